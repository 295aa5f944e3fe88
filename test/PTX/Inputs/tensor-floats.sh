# CASCADE D F: compiles and executes it in f32 with products in tf32 on q.npy, k.npy, v.npy; ptx.npy.
set -e
weirc compile "$1" --map tf32=on -D D="$2" -D F="$3" --target cuda:sm_80 --emit=ptx -o kernel.ptx
grep -q mma.sync kernel.ptx
weir-ptx-run kernel.ptx --tensor Q=q.npy --tensor K=k.npy --tensor V=v.npy --tensor O=ptx.npy --schedules 2
