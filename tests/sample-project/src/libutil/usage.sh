echo "usage: nix --version | nix show-config" >&2
exit 1
