// Package file reads activities and approvals from files: a Follower tails a
// growing JSON-lines file through rotation and truncation, and OpenHistory
// reads finished ones: JSON lines, plain or gzip, and the data archive that X
// gives to the owner of an account. What one line means belongs in
// collectors/activity and collectors/intake; where the activities go belongs
// to the caller.
//
// # Rotation
//
// A Follower knows a file by device and inode and by a hash of its first
// bytes, so that an inode that is used again, or a file that was emptied and
// has grown past the old position, is noticed. A file that was moved aside is
// read to its end before the next one is started, which happens once the next
// one has content: until then the writer may still have the old one open. It
// is looked for beside the path, by inode under any name, and by content under
// the names that rotation tools give (see rotated); the Follower keeps it open
// between polls, so within one process even a deleted file is finished. What
// cannot be found any more is a Gap.
//
// Rotation by copying and truncating can lose lines without a trace: those
// written between the copy and the truncation, and those of a file of which
// nothing had been read. Rotation by renaming loses none.
package file
