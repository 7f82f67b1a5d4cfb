// Package enrich adds what a source did not tell, before an activity enters the
// journal, so that replays see what was known then: where an IP address is, whose
// network it is and whether it hides somebody, from MaxMind DB files on disk, and
// the host names of links. It asks nothing over the network. What a collector's
// own source tells belongs in that collector; what a country means for an account
// belongs in rules.
//
// # Files
//
// Any MaxMind DB (format 2.0) with MaxMind's field names, their own or others':
// Country or City (country.iso_code, subdivisions, city.names.en, location),
// ASN (autonomous_system_number, autonomous_system_organization) and Anonymous
// IP (is_anonymous_vpn and so on). A file is read into memory whole and checked
// to its last record before it is used, so one that is cut or half written never
// is, and what happens to the file afterwards, truncation in place included,
// cannot reach a lookup. The price is memory of the size of the files and, for
// a City file, some seconds in which one caller waits when a new file is found.
//
// A file that changes on disk replaces the old one without a restart. While
// there is none, or the new one is damaged, what was loaded before stays; without
// that, the provider's own geo stays as it is, and Status says so.
package enrich
