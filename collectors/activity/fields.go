package activity

// FieldRef is a resolved field name, as rule authors type it: "text",
// "geo.country", "profile.name", "raw.eventType".
type FieldRef struct {
	Name string
	get  func(a *Activity, dst []Value) []Value
}

// Value is one value of a field: text, or a number where IsNum.
type Value struct {
	Str   string
	Num   float64
	IsNum bool
}

// Values appends the field's values to dst: none where absent, several for
// list fields. The strings alias the activity.
func (f *FieldRef) Values(a *Activity, dst []Value) []Value { return f.get(a, dst) }
