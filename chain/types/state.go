package types

import "github.com/isthmus-network/isthmus/proofs/merkle"

// State is the authenticated state while a block runs on it. It is used by one
// goroutine. Errors are those of the storage below and are fatal to the block:
// no rule may branch on them.
type State interface {
	// Get returns the value of key, and whether there is one.
	Get(key []byte) (value []byte, ok bool, err error)
	// Set and Delete change one entry; the slices must not be changed afterwards.
	Set(key, value []byte)
	Delete(key []byte)
	// Iterate calls fn for the entries whose key starts with prefix and is not
	// below from, in order of keys, until fn returns false.
	Iterate(prefix, from []byte, fn func(key, value []byte) (more bool, err error)) error

	// LogInfo describes a log; one that never was appended to is empty.
	LogInfo(name string) (LogInfo, error)
	// AppendLog adds an entry whose leaf hash is leaf and returns its index. The
	// entry's bytes are kept to be read again; only the leaf is authenticated.
	AppendLog(name string, leaf merkle.Hash, entry []byte) (index uint64, err error)
	// LogEntry reads an entry back.
	LogEntry(name string, index uint64) ([]byte, error)
	// SetLogBegin releases the entries below begin.
	SetLogBegin(name string, begin uint64) error

	// Index entries are not authenticated: they help to find things.
	SetIndex(key, value []byte)

	// Snapshot marks the present state; Revert returns to a mark.
	Snapshot() (mark int)
	Revert(mark int)
}

// LogInfo is the summary of a log: it holds entries [Begin, Range.End()).
type LogInfo struct {
	Begin uint64
	Range merkle.Range // of all entries from 0
}

// End returns the index of the next entry.
func (l *LogInfo) End() uint64 { return l.Range.End() }
