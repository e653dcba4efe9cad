// Package storetest is a disk for tests that drops unsynced writes: FS for the
// write-ahead log and the signing record, Storage for goleveldb on top of it. Killing a
// process proves that it restarts; only a disk that forgets proves durability.
//
// A file's bytes survive Crash if its Sync returned after they were written; a name
// (created, renamed, removed) if SyncDir of its directory returned after. Of the rest
// a seeded random part survives: a prefix of each file's unsynced bytes, possibly with
// its last part garbled, and a prefix of the directory changes. CrashAfter stops the
// disk at any chosen write, so that a test can try them all.
//
// Tests and internal/sim may import it; the program must not.
package storetest
