# cmake -DIN=file -DOUT=file.inc -P Embed.cmake: the text as one raw string literal.
file(READ ${IN} text)
file(WRITE ${OUT} "R\"weir(${text})weir\"\n")
