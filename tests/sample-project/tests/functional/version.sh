#!/bin/sh
# Left out of the source archive.
result/bin/nix --version | grep -q Lix
