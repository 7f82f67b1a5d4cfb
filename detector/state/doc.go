// Package state keeps the detector's memory of accounts: pages without pointers
// that the garbage collector does not look into, cells of many sizes in them, a
// table of accounts by name, texts that are kept once, and images of all that
// taken piece by piece while it goes on changing. What the cells mean belongs in
// detector and its models; files and their names belong in cmd.
//
// An account is a row of fixed size and a list of slots, one for each thing that
// is known of it; a slot refers to a cell. So an account pays for what it has
// and for nothing else, a plan that adds or drops a rule touches no other cell,
// and a cell stays where it is while others grow.
package state
