package state_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/store/storetest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

func TestBeginRules(t *testing.T) {
	s := newState(t, state.Options{})
	if s.Root() != merkle.TrieEmpty() {
		t.Fatalf("root: got %x, want the empty one", s.Root())
	}
	if _, err := s.At(0); !errors.Is(err, state.ErrFuture) {
		t.Fatalf("got %v, want ErrFuture", err)
	}
	tx, err := s.Begin(0)
	check(t, err)
	if _, err := s.Begin(1); !errors.Is(err, state.ErrTxOpen) {
		t.Fatalf("got %v, want ErrTxOpen", err)
	}
	_, err = tx.Commit(false)
	check(t, err)
	if _, err := tx.Commit(false); !errors.Is(err, state.ErrTxDone) {
		t.Fatalf("got %v, want ErrTxDone", err)
	}
	if _, err := s.Begin(0); !errors.Is(err, state.ErrVersion) {
		t.Fatalf("got %v, want ErrVersion", err)
	}
	if _, err := s.At(1); !errors.Is(err, state.ErrFuture) {
		t.Fatalf("got %v, want ErrFuture", err)
	}
	tx, err = s.Begin(1)
	check(t, err)
	tx.Revert(0)
	if _, err := tx.Root(); !errors.Is(err, state.ErrMark) {
		t.Fatalf("got %v, want ErrMark", err)
	}
}

// TestHuckleberry: a reverted execution leaves no queue entry and no event.
func TestHuckleberry(t *testing.T) {
	s := newState(t, state.Options{})
	tx, err := s.Begin(0)
	check(t, err)
	queue, err := tx.Log("out/B")
	check(t, err)
	_, err = queue.Append([]byte("before"))
	check(t, err)
	want, err := tx.Root()
	check(t, err)

	mark := tx.Snapshot()
	_, err = queue.Append([]byte("emitted by a handler that fails"))
	check(t, err)
	tx.Set([]byte("account"), []byte("debited"))
	tx.SetIndex([]byte("event"), []byte("emitted"))
	touched, err := tx.Root()
	check(t, err)
	if touched == want {
		t.Fatal("the handler changed nothing")
	}
	tx.Revert(mark)

	got, err := tx.Commit(false)
	check(t, err)
	if got != want {
		t.Fatalf("root: got %x, want %x", got, want)
	}
	r, err := s.ReadLog("out/B")
	check(t, err)
	if entries, err := r.Entries(0, r.End(), 1000); err != nil || len(entries) != 1 {
		t.Fatalf("got %q, %v, want one entry", entries, err)
	}
	if _, ok, err := s.Index([]byte("event")); ok || err != nil {
		t.Fatalf("the event is there: %v, %v", ok, err)
	}
}

// TestViewsStayRightWhileCommitsGoOn reads old versions from several goroutines.
func TestViewsStayRightWhileCommitsGoOn(t *testing.T) {
	s := newState(t, state.Options{Retain: 12, CachePages: 16})
	const accounts, last = 300, 150
	key := func(i int) []byte { return fmt.Appendf(nil, "account %03d", i) }
	commit := func(version uint64) {
		tx, err := s.Begin(version)
		check(t, err)
		for i := range accounts { // account i holds the last version that i divides
			if version%uint64(i+1) == 0 {
				tx.Set(key(i), binary.BigEndian.AppendUint64(nil, version))
			}
		}
		_, err = tx.Commit(false)
		check(t, err)
	}
	commit(0)
	read := func(rng *rand.Rand) error {
		version := s.Version() - min(s.Version(), rng.Uint64N(12))
		v, err := s.At(version)
		if err != nil {
			return err
		}
		i := rng.IntN(accounts)
		value, ok, proof, err := v.Prove(key(i))
		if err != nil {
			return err
		}
		if want := version - version%uint64(i+1); !ok || binary.BigEndian.Uint64(value) != want {
			return fmt.Errorf("version %d, account %d: got %x, want %d", version, i, value, want)
		}
		if err := merkle.VerifyPresence(v.Root(), key(i), value, proof); err != nil {
			return err
		}
		at := 0
		return v.Iterate([]byte("account"), nil, func(k, value []byte) (bool, error) {
			if want := version - version%uint64(at+1); binary.BigEndian.Uint64(value) != want {
				return false, fmt.Errorf("version %d, iterate %q: got %x, want %d", version, k, value, want)
			}
			at++
			return true, nil
		})
	}
	var wg sync.WaitGroup
	done := make(chan struct{})
	for g := range uint64(3) {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(g, 0))
			for {
				select {
				case <-done:
					return
				default:
				}
				if err := read(rng); err != nil && !errors.Is(err, state.ErrPruned) {
					t.Errorf("reader: %v", err)
					return
				}
			}
		})
	}
	for version := uint64(1); version <= last; version++ {
		commit(version)
	}
	close(done)
	wg.Wait()
}

func TestPruneLogDeletesConsumedBodiesOnly(t *testing.T) {
	s := newState(t, state.Options{})
	tx, err := s.Begin(0)
	check(t, err)
	l, err := tx.Log("q")
	check(t, err)
	var hashes []merkle.Hash
	for i := range 3000 {
		entry := fmt.Appendf(nil, "entry %d", i)
		_, err = l.Append(entry)
		check(t, err)
		hashes = append(hashes, merkle.LeafHash(entry))
	}
	check(t, l.SetBegin(2500))
	if err := l.SetBegin(2499); !errors.Is(err, state.ErrLogRange) {
		t.Fatalf("falling begin: got %v, want ErrLogRange", err)
	}
	if err := l.SetBegin(3001); !errors.Is(err, state.ErrLogRange) {
		t.Fatalf("begin past end: got %v, want ErrLogRange", err)
	}
	_, err = tx.Commit(true)
	check(t, err)

	if err := s.PruneLog("q", 2501); !errors.Is(err, state.ErrLogRange) {
		t.Fatalf("got %v, want ErrLogRange", err)
	}
	if err := s.PruneLog("none", 1); !errors.Is(err, state.ErrNoLog) {
		t.Fatalf("got %v, want ErrNoLog", err)
	}
	check(t, s.PruneLog("q", 2400))
	check(t, s.PruneLog("q", 100)) // done already
	r, err := s.ReadLog("q")
	check(t, err)
	if _, err := r.Entries(2399, 3000, 1000); !errors.Is(err, state.ErrPruned) {
		t.Fatalf("got %v, want ErrPruned", err)
	}
	entries, err := r.Entries(2400, 3000, 25) // 10 bytes each
	check(t, err)
	if len(entries) != 2 || string(entries[0]) != "entry 2400" {
		t.Fatalf("got %q", entries)
	}
	proof, err := r.Inclusion(7, 2999)
	check(t, err)
	check(t, merkle.VerifyInclusion(hashes[7], 7, 2999, proof, merkle.Root(hashes[:2999])))
	for _, bad := range []func() error{
		func() error { _, err := r.Inclusion(3000, 3000); return err },
		func() error { _, err := r.Inclusion(0, 3001); return err },
		func() error { _, err := r.RangeNodes(5, 4); return err },
		func() error { _, err := r.RootAt(3001); return err },
		func() error { _, err := r.Entries(0, 3001, 1); return err },
	} {
		if err := bad(); !errors.Is(err, state.ErrLogRange) {
			t.Fatalf("got %v, want ErrLogRange", err)
		}
	}
}

// TestDroppedLogGoesBitByBit: a drop costs the commit little, and nothing is left in the end.
func TestDroppedLogGoesBitByBit(t *testing.T) {
	db, err := store.OpenStorage(storetest.NewStorage(storetest.New(1), "db"))
	check(t, err)
	defer func() { check(t, db.Close()) }()
	s, err := state.Open(db, state.Options{Retain: 1})
	check(t, err)
	stored := func() (n int) {
		check(t, db.Iterate(store.Range{}, func(_, _ []byte) (bool, error) { n++; return true, nil }))
		return n
	}
	commit := func(version uint64, work func(tx *state.Tx)) {
		tx, err := s.Begin(version)
		check(t, err)
		work(tx)
		_, err = tx.Commit(false)
		check(t, err)
	}
	commit(0, func(*state.Tx) {})
	empty := stored()
	commit(1, func(tx *state.Tx) {
		l, err := tx.Log("bucket")
		check(t, err)
		for i := range 5000 {
			_, err := l.Append(fmt.Appendf(nil, "%d", i))
			check(t, err)
		}
	})
	full := stored()
	commit(2, func(tx *state.Tx) {
		l, err := tx.Log("bucket")
		check(t, err)
		check(t, l.Drop())
	})
	if s.Root() != merkle.TrieEmpty() {
		t.Fatalf("root: got %x, want the empty one", s.Root())
	}
	for version := uint64(3); version < 12; version++ {
		before := stored()
		commit(version, func(*state.Tx) {})
		if got := before - stored(); got > 1100 {
			t.Fatalf("commit %d deleted %d keys", version, got)
		}
	}
	if got := stored(); got != empty || full < empty+5000 {
		t.Fatalf("got %d keys, want %d", got, empty)
	}
}

func TestStoreFailurePoisonsTheState(t *testing.T) {
	disk := storetest.New(1)
	db, err := store.OpenStorage(storetest.NewStorage(disk, "db"))
	check(t, err)
	defer db.Close()
	s, err := state.Open(db, state.Options{})
	check(t, err)
	tx, err := s.Begin(0)
	check(t, err)
	disk.CrashAfter(0)
	if _, err := tx.Commit(true); !errors.Is(err, state.ErrFailed) {
		t.Fatalf("got %v, want ErrFailed", err)
	}
	if _, err := s.Begin(0); !errors.Is(err, state.ErrFailed) {
		t.Fatalf("got %v, want ErrFailed", err)
	}
}
