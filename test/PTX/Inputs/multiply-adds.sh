# CASCADE D F: compiles and executes it in f32 on q.npy, k.npy, v.npy; ptx.npy and the interpreter's reference.npy.
set -e
weirc compile "$1" -D D="$2" -D F="$3" --target cuda:sm_80 --emit=ptx -o kernel.ptx
grep -q ld.shared.v4 kernel.ptx
weir-ptx-run kernel.ptx --tensor Q=q.npy --tensor K=k.npy --tensor V=v.npy --tensor O=ptx.npy --schedules 2
weirc run "$1" --target interpret --in Q=q.npy --in K=k.npy --in V=v.npy --out O=reference.npy
