// Package exports reads what networks give to the owner of an account who asks
// for a copy of its data, and maps it to activities in order of time. How a
// post of a network is to be understood is decided here as in that network's
// collector, so that ids are the same; that history teaches and raises nothing,
// and what the journal holds already, is the importer's (collectors.Import).
package exports
