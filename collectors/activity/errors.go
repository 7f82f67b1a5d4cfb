package activity

import (
	"fmt"
	"strings"
)

// SyntaxError is a fault in encoded activities: broken JSON, a value of the
// wrong type, a field given twice, an unreadable time.
type SyntaxError struct {
	Offset int    // byte position in the input at which the fault was noticed
	Field  string // path of the value at fault, "activities[3].geo.lat"; empty outside any field
	Msg    string // what was found, what was expected, how to mend it
}

func (e *SyntaxError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("byte %d: %s", e.Offset, e.Msg)
	}
	return fmt.Sprintf("byte %d: %s: %s", e.Offset, e.Field, e.Msg)
}

// within puts name before the path of the field at fault.
func (e *SyntaxError) within(name string) {
	switch {
	case e.Field == "":
		e.Field = strings.Clone(name)
	case e.Field[0] == '[':
		e.Field = name + e.Field
	default:
		e.Field = name + "." + e.Field
	}
}

// FieldError says that an activity is well formed but not acceptable: a value
// is missing, too long, or outside its range.
type FieldError struct {
	Field string // as rule authors type it, "geo.lat"
	Msg   string // what was found, what was expected, how to mend it
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Msg }
