package file

import "fmt"

// ItemError says that one line or item of a file could not be read; the items
// around it stand.
type ItemError struct {
	File string // as it was opened; inside an archive the name there
	Line int    // 1-based
	Err  error  // names the field and what was expected
}

func (e *ItemError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

func (e *ItemError) Unwrap() error { return e.Err }
