package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// Limits of what a transaction takes, in bytes.
const (
	MaxKey      = 4 << 10
	MaxValue    = 16 << 20
	MaxLogName  = 255
	MaxLogEntry = 16 << 20
)

// Options tunes a State. The zero value is the default.
type Options struct {
	// Retain is how many versions stay readable, the last one included; default 4096.
	Retain uint64
	// CachePages is how many decoded trie pages are kept in memory, of about 3 KiB each;
	// default 16384.
	CachePages int
}

// State is the authenticated state over a store. Safe for concurrent use, but for the
// one open Tx.
type State struct {
	db    *store.DB
	opt   Options
	cache *pageCache
	head  atomic.Pointer[head]

	mu     sync.Mutex // of what follows
	open   bool       // a Tx is
	failed error

	logMu sync.Mutex // serialises changes of log records: Commit and PruneLog
}

// head is what the last commit wrote: version(8) ‖ floor(8) ‖ root page(8) ‖ root(32) ‖
// next page(8) ‖ next log(8), after a format byte.
type head struct {
	exists   bool
	version  uint64
	floor    uint64 // the oldest readable version
	rootPage uint64 // 0: the trie is empty
	root     merkle.Hash
	nextPage uint64
	nextLog  uint64

	staleAt []byte // in memory only: the last note of stale keys that was worked off
}

const (
	headFormat = 1
	headSize   = 1 + 5*8 + 32
)

func (h *head) encode() []byte {
	buf := append(make([]byte, 0, headSize), headFormat)
	buf = binary.BigEndian.AppendUint64(buf, h.version)
	buf = binary.BigEndian.AppendUint64(buf, h.floor)
	buf = binary.BigEndian.AppendUint64(buf, h.rootPage)
	buf = append(buf, h.root[:]...)
	buf = binary.BigEndian.AppendUint64(buf, h.nextPage)
	return binary.BigEndian.AppendUint64(buf, h.nextLog)
}

// readHead returns the head in db; one that does not exist if nothing was committed.
func readHead(db reader) (*head, error) {
	b, err := db.Get([]byte(spaceHead))
	if errors.Is(err, store.ErrNotFound) {
		return &head{root: merkle.TrieEmpty(), nextPage: 1, nextLog: 1}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("state: head: %w", err)
	}
	if len(b) != headSize || b[0] != headFormat {
		return nil, fmt.Errorf("%w: head of %d bytes, want %d of format %d", ErrCorrupt, len(b), headSize, headFormat)
	}
	return &head{
		exists:   true,
		version:  binary.BigEndian.Uint64(b[1:]),
		floor:    binary.BigEndian.Uint64(b[9:]),
		rootPage: binary.BigEndian.Uint64(b[17:]),
		root:     merkle.Hash(b[25:57]),
		nextPage: binary.BigEndian.Uint64(b[57:]),
		nextLog:  binary.BigEndian.Uint64(b[65:]),
	}, nil
}

// Open reads the state in db, which may be empty. Errors: ErrCorrupt, and the store's.
func Open(db *store.DB, opt Options) (*State, error) {
	if opt.Retain == 0 {
		opt.Retain = 4096
	}
	if opt.CachePages <= 0 {
		opt.CachePages = 16384
	}
	h, err := readHead(db)
	if err != nil {
		return nil, err
	}
	s := &State{db: db, opt: opt, cache: newPageCache(opt.CachePages)}
	s.head.Store(h)
	if h.rootPage != 0 {
		if _, err := s.pages(db).load(h.rootLink()); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *State) pages(from reader) pages { return pages{cache: s.cache, from: from} }

func (h *head) rootLink() *node {
	return &node{kind: kindLink, page: h.rootPage, hash: h.root}
}

// Version returns the last committed version, 0 before the first.
func (s *State) Version() uint64 { return s.head.Load().version }

// Root returns the trie's root at the last committed version.
func (s *State) Root() merkle.Hash { return s.head.Load().root }

// Oldest returns the oldest version that At still gives.
func (s *State) Oldest() uint64 { return s.head.Load().floor }

// Get returns a copy of the last committed value under key. Calls that must agree with
// each other use a View.
func (s *State) Get(key []byte) (value []byte, ok bool, err error) {
	return getValue(s.db, spaceFlat, key)
}

// Index returns a copy of the last committed index entry under key.
func (s *State) Index(key []byte) (value []byte, ok bool, err error) {
	return getValue(s.db, spaceIndex, key)
}

// IterateIndex calls fn for the committed index entries whose key begins with prefix, at
// or after from, in the order of keys, until fn returns false or an error. Key and value
// are valid during the call only.
func (s *State) IterateIndex(prefix, from []byte, fn func(key, value []byte) (more bool, err error)) error {
	err := s.db.Iterate(scan(spaceIndex, prefix, from), func(k, v []byte) (bool, error) {
		return fn(k[len(spaceIndex):], v)
	})
	if err != nil {
		return fmt.Errorf("state: index: %w", err)
	}
	return nil
}

func getValue(db reader, space string, key []byte) ([]byte, bool, error) {
	v, err := db.Get(spaceKey(space, key))
	if errors.Is(err, store.ErrNotFound) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("state: %w", err)
	}
	return v, true, nil
}

// Begin opens the transaction of version, which must be above Version; the first may be 0.
// Errors: ErrTxOpen, ErrVersion, ErrFailed.
func (s *State) Begin(version uint64) (*Tx, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return nil, s.failed
	}
	if s.open {
		return nil, ErrTxOpen
	}
	h := s.head.Load()
	if h.exists && version <= h.version {
		return nil, fmt.Errorf("%w: got %d, want above %d", ErrVersion, version, h.version)
	}
	s.open = true
	return newTx(s, version, h), nil
}

// release ends the open transaction.
func (s *State) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = false
}

func (s *State) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = fmt.Errorf("%w: %w", ErrFailed, err)
	return s.failed
}
