# Writes the manual as HTML into the folder `book`, the way mdBook lays it out: a page
# for each Markdown file, named like it, the first one also as index.html, and toc.html.
# An entry of reference.txt, "FOLDER/NAME: TEXT", becomes a page as well.
# The version is in the environment: awk -v would interpret backslashes.

function escape(s) {
  gsub(/&/, "\\&amp;", s)
  gsub(/</, "\\&lt;", s)
  gsub(/>/, "\\&gt;", s)
  return s
}

function html(markdown) {
  sub(/\.md$/, ".html", markdown)
  return markdown
}

# `[Title](page.md)` becomes a link; the indentation of SUMMARY.md stays, in a <pre>.
function link(line, at, title, page) {
  if (!match(line, /\[.*\]\(.*\.md\)/)) return escape(line)
  at = index(line, "](")
  title = substr(line, RSTART + 1, at - RSTART - 1)
  page = substr(line, at + 2, RSTART + RLENGTH - at - 3)
  return substr(line, 1, RSTART - 1) "<a href=\"" html(page) "\">" escape(title) "</a>"
}

function write(page, title, body, file, root) {
  root = page
  gsub(/[^\/]+\//, "../", root)
  sub(/[^\/]*$/, "", root)
  file = book "/" page
  printf "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" \
    "<title>%s</title>\n<link rel=\"icon\" href=\"%sfavicon.svg\">\n" \
    "<link rel=\"stylesheet\" href=\"%scss/general.css\">\n<script src=\"%sbook.js\" defer></script>\n" \
    "</head>\n<body>\n<iframe class=\"toc\" src=\"%stoc.html\"></iframe>\n<main>\n%s</main>\n</body>\n</html>\n",
    title, root, root, root, root, body > file
  close(file)
}

FILENAME == "reference.txt" {
  colon = index($0, ": ")
  path = substr($0, 1, colon - 1)
  name = folder = path
  sub(/.*\//, "", name)
  sub(/\/[^\/]*$/, "", folder)
  if (!(folder in entries)) {
    folders[++folderCount] = folder
    system("mkdir -p '" book "/" folder "'")
  }
  entries[folder] = entries[folder] "<a href=\"" name ".html\">" name "</a>\n"
  write(path ".html", name, "<h1><code>" name "</code></h1>\n<p>" escape(substr($0, colon + 2)) "</p>\n")
  next
}

FILENAME ~ /^rl-next\// {
  pending = pending escape($0) "\n"
  next
}

FILENAME == "src/SUMMARY.md" {
  if ($0 !~ /^ *<!--/) toc = toc link($0) "\n"
  next
}

FNR == 1 {
  pages[++pageCount] = FILENAME
  title[FILENAME] = escape($0)
  sub(/^#+ */, "", title[FILENAME])
}

{ text[FILENAME] = text[FILENAME] escape($0) "\n" }

END {
  lix = "Lix " escape(ENVIRON["longVersion"])
  text["src/release-notes/rl-next.md"] = text["src/release-notes/rl-next.md"] pending
  for (i = 1; i <= pageCount; i++) {
    source = pages[i]
    page = html(substr(source, length("src/") + 1))
    write(page, title[source], "<pre>" text[source] "</pre>\n")
  }
  for (i = 1; i <= folderCount; i++) {
    folder = folders[i]
    write(folder "/index.html", folder, "<h1>" folder "</h1>\n<pre>" entries[folder] "</pre>\n")
  }
  write("index.html", lix, "<h1>" lix "</h1>\n<p>“" escape(ENVIRON["releaseName"]) "”</p>\n<pre>" \
    text["src/introduction.md"] "</pre>\n")
  write("404.html", "Not found", "<h1>Not found</h1>\n<p>This page is not part of the manual.</p>\n")
  file = book "/toc.html"
  printf "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>%s</title>\n" \
    "<base target=\"_parent\">\n</head>\n<body>\n<pre>%s</pre>\n</body>\n</html>\n", lix, toc > file
  close(file)
}
