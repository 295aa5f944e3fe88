// A kernel whose argument has no name.
func.func @unnamed(%x: memref<?xf32, strided<[1]>>, %y: memref<?xf32, strided<[1]>> {weir.output}, %ws: memref<?xi8>)
    attributes {weir.kernel} {
  return
}
