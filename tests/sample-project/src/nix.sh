#!/bin/sh
# What stands between at signs is put in by the build.
case "${1:-}" in
  --version) echo "nix (Lix, like Nix) @version@" ;;
  show-config) cat @conf@ ;;
  *) exec sh @util@/lib/usage.sh ;;
esac
