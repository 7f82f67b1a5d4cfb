package loginrisk

import (
	"testing"
	"unsafe"
)

func TestSize(t *testing.T) { t.Log(unsafe.Sizeof(State{}), unsafe.Sizeof(Crowd{})) }
