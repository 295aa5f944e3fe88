#!/usr/bin/env bash
# Checks of the sources themselves, a line each: `ok NAME`, `FAIL NAME` with what is wrong, or `SKIP NAME: reason`.
# The last line is `N passed, M failed, K skipped`.
cd "$(dirname "$0")/.." || exit 1
passed=0 failed=0 skipped=0
python=.venv/bin/python3
[[ -x $python ]] || python=python3

check() { # NAME COMMAND...
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then
    passed=$((passed + 1)); echo "ok   $name"
  else
    failed=$((failed + 1)); echo "FAIL $name"; [[ -n $output ]] && sed 's/^/     /' <<<"$output"
  fi
}
skip() { skipped=$((skipped + 1)); echo "SKIP $1: $2"; }

check "rooms: who may include whom" "$python" scripts/check_rooms.py
check "text: line ends, tabs, lengths, licence lines" "$python" scripts/check_text.py
check "documents: links and commands" "$python" scripts/check_docs.py
check "shell: syntax of scripts" bash -c 'for f in weir .ci/run scripts/*.sh; do bash -n "$f" || exit 1; done'
for script in scripts/check_language_rules.py scripts/check_dialects.py; do # others that a room adds: each is one check
  [[ -e $script ]] && check "$script" "$python" "$script"
done
if [[ -x build/bin/weirc ]]; then
  check "examples: the catalogue is up to date" "$python" examples/catalogue.py
else
  skip "examples: the catalogue" "weirc is not built"
fi
if command -v clang-format-22 >/dev/null; then
  check "clang-format of tools/weirc and lib/Support" bash -c \
    'clang-format-22 --dry-run -Werror tools/weirc/*.cpp tools/weirc/*.h lib/Support/*.cpp unittests/Support/*.cpp'
else
  skip "clang-format" "clang-format-22 is not installed"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 ]]
