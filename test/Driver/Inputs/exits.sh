# exits.sh N COMMAND...: succeeds if the command exits with status N; its output is left alone.
expected=$1
shift
"$@"
status=$?
[[ $status -eq $expected ]] || { echo "exit status $status, expected $expected" >&2; exit 1; }
