#!/bin/sh
# Installs the program for this machine: downloads it, compares its SHA-256, moves it into place. Asks for no rights.
#
#   sh install.sh --from https://downloads.example.com/sluice/0.1.0
#
# There are PLATFORM files under that address, sluice-linux-x64 for one, each with its .sha256 beside it. A sum from the
# same place shows that nothing was damaged on the way, not who made it: --sha256 takes one from elsewhere.
set -eu

from=${SLUICE_FROM:-}
folder=${SLUICE_DIR:-$HOME/.local/bin}
expected=
dry_run=false
work=

say() { printf '%s\n' "$*"; }
fail() {
  printf 'install: %s\n' "$*" >&2
  exit 1
}
usage() {
  say "usage: install.sh --from URL [--dir FOLDER] [--sha256 HEX] [--dry-run]"
  say "  --from URL     where the programs are (or SLUICE_FROM)"
  say "  --dir FOLDER   where it goes, ~/.local/bin by default (or SLUICE_DIR)"
  say "  --sha256 HEX   what it must be; by default what URL/PROGRAM.sha256 says"
  say "  --dry-run      download and compare, change nothing"
}

while [ $# -gt 0 ]; do
  case $1 in
    --from | --dir | --sha256)
      [ $# -ge 2 ] || fail "$1 needs a value"
      case $1 in
        --from) from=$2 ;;
        --dir) folder=$2 ;;
        --sha256) expected=$2 ;;
      esac
      shift 2
      ;;
    --dry-run)
      dry_run=true
      shift
      ;;
    --help | -h)
      usage
      exit 0
      ;;
    *) fail "unknown argument $1; --help tells more" ;;
  esac
done

[ -n "$from" ] || fail "no address is given; say --from URL"
case $from in
  https://* | http://127.0.0.1[:/]* | http://localhost[:/]*) ;;
  *) fail "$from is not https" ;;
esac

platform() {
  case $(uname -s) in
    Linux) os=linux ;;
    Darwin) os=darwin ;;
    *) fail "there is no program for $(uname -s)" ;;
  esac
  case $(uname -m) in
    x86_64 | amd64) cpu=x64 ;;
    aarch64 | arm64) cpu=arm64 ;;
    *) fail "there is no program for $(uname -m)" ;;
  esac
  if [ "$os" = linux ] && ! getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
    fail "the program for Linux needs glibc, which this machine lacks"
  fi
  printf '%s-%s' "$os" "$cpu"
}

fetch() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --proto-redir =https --max-time 600 --output "$2" "$1"
  elif command -v wget >/dev/null; then
    wget --quiet --timeout=60 --output-document="$2" "$1"
  else
    fail "there is neither curl nor wget"
  fi || fail "$1 cannot be had"
}

sum() {
  if command -v sha256sum >/dev/null; then
    sha256sum "$1"
  elif command -v shasum >/dev/null; then
    shasum -a 256 "$1"
  else
    fail "there is neither sha256sum nor shasum"
  fi | cut -d ' ' -f 1
}

name=sluice-$(platform) || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

say "downloading $from/$name"
fetch "$from/$name" "$work/sluice"
if [ -z "$expected" ]; then
  fetch "$from/$name.sha256" "$work/sum"
  expected=$(cut -d ' ' -f 1 <"$work/sum")
fi
found=$(sum "$work/sluice")
[ "$found" = "$expected" ] || fail "the SHA-256 of $name is $found, and not $expected: nothing was installed"
chmod 755 "$work/sluice"
version=$("$work/sluice" --version) || fail "$name does not run on this machine"

if $dry_run; then
  say "$version would be installed as $folder/sluice"
  exit 0
fi
mkdir -p "$folder"
# Beside its place first: a rename is at once, and a program that runs keeps its file.
cp "$work/sluice" "$folder/.sluice.$$"
mv -f "$folder/.sluice.$$" "$folder/sluice"
say "$version is installed as $folder/sluice"
case :$PATH: in
  *":$folder:"*) ;;
  *) say "add it to your PATH: export PATH=\"$folder:\$PATH\"" ;;
esac
