#include "textflag.h"

// func Fetch(p unsafe.Pointer, size int)
TEXT ·Fetch(SB), NOSPLIT, $0-16
	MOVQ p+0(FP), AX
	MOVQ size+8(FP), CX
	ADDQ AX, CX        // the end
	ANDQ $~63, AX      // the line that it begins in

line:
	PREFETCHT0 (AX)
	ADDQ $64, AX
	CMPQ AX, CX
	JLT  line
	RET
