// Package state is the authenticated state of a network: a flat store by raw key, which
// execution reads and iterates, and a path-compressed binary Merkle trie by key hash,
// which proofs show. Both, with the Merkle logs and the plain index entries, are written
// in one atomic batch per version (block height). Recent versions stay readable.
// docs/spec/state.md says how the root is formed.
//
// The trie is stored in pages: connected parts of it with at most maxSlots leaves or
// links to pages below. Pages are immutable and have rising numbers; a commit writes the
// changed ones anew and notes which it replaced. So an old version is read from its root
// page, without undo, while commits go on; the replaced pages are deleted, a bounded
// number per commit, when no readable version needs them. How a trie is cut into pages
// depends on its content only (see join). Flat values are overwritten in place; the old
// value is kept under (key, version that overwrote it).
//
// Rejected: pages named by their path and overwritten, with the old page kept aside: it
// doubles the bytes written, which is what bounds the rate of updates.
//
// Concurrency: one Tx at a time, used by one goroutine; any number of readers of State,
// View and LogReader meanwhile. Commit works with two goroutines on large batches and
// waits for both. Everything below the key prefix "s" of the store belongs to this package.
//
// Drivers, bootstrap and the wiring of account handlers may import it; pure packages must
// not. It imports proofs/merkle and chain/store, nothing else of the project.
package state
