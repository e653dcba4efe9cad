package state

import "errors"

var (
	// ErrPruned: the version, or a log's entry, is no longer kept. Ask for a newer one.
	ErrPruned = errors.New("state: pruned")
	// ErrFuture: the version is not committed yet. Retry later.
	ErrFuture = errors.New("state: version is not committed yet")
	// ErrVersion: a transaction's version does not follow the last one. A bug of the caller.
	ErrVersion = errors.New("state: version does not rise")
	// ErrTxOpen: another transaction is open. A bug of the caller.
	ErrTxOpen = errors.New("state: a transaction is open")
	// ErrTxDone: the transaction was committed or discarded. A bug of the caller.
	ErrTxDone = errors.New("state: transaction is done")
	// ErrMark: Revert was given a mark that is not of this transaction's present past.
	ErrMark = errors.New("state: no such savepoint")
	// ErrReservedKey: keys below "log/" are written through Tx.Log only.
	ErrReservedKey = errors.New("state: reserved key")
	// ErrTooLarge: a key, value, log name or log entry exceeds its limit.
	ErrTooLarge = errors.New("state: too large")
	// ErrNoLog: there is no log of that name.
	ErrNoLog = errors.New("state: no such log")
	// ErrLogRange: an index or size lies outside the log, or begin would fall.
	ErrLogRange = errors.New("state: outside the log")
	// ErrCorrupt: stored bytes contradict their hashes or format. Restore from a snapshot.
	ErrCorrupt = errors.New("state: corrupt")
	// ErrFailed: a commit failed in the store, so what is on disk is unknown. Reopen.
	ErrFailed = errors.New("state: a commit failed earlier")
)
