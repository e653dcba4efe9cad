// Package store is the disk of a node: a key-value store over goleveldb (DB), the
// write-ahead log of the ordering core (WAL), and the signing record that refuses a
// second vote (SigningRecord).
//
// What "durable" means here: a call that promises durability returns only after the
// bytes, and the directory entries that lead to them, were synced. Recovery keeps a
// prefix of what was written: a write that was not synced is kept or lost as a whole,
// and never survives the loss of an earlier one. The subpackage storetest holds a file
// system that drops unsynced writes, with which the tests prove it.
//
// Drivers and chain/state may import it; pure packages must not. It imports goleveldb
// and the standard library, nothing of the project.
package store
