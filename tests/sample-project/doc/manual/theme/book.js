// The key "s" hides and shows the table of contents.
document.addEventListener("keydown", (event) => {
  const toc = document.querySelector("iframe.toc");
  if (event.key === "s") toc.hidden = !toc.hidden;
});
