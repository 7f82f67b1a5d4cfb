#include "textflag.h"

// func Fetch(p unsafe.Pointer, size int)
TEXT ·Fetch(SB), NOSPLIT, $0-16
	MOVD p+0(FP), R0
	MOVD size+8(FP), R1
	ADD  R0, R1        // the end
	AND  $~63, R0      // the line that it begins in

line:
	PRFM (R0), PLDL1KEEP
	ADD  $64, R0
	CMP  R1, R0
	BLO  line
	RET
