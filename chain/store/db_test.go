package store_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/store/storetest"
)

func TestDBReadsWhatWasWritten(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(dir); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("second open: got %v, want ErrLocked", err)
	}
	var b store.Batch
	b.Set([]byte("a1"), []byte("one"))
	b.Set([]byte("a2"), nil)
	b.Set([]byte("b"), []byte("two"))
	b.Delete([]byte("b"))
	if err := db.Write(&b, true); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if db, err = store.Open(dir); err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if v, err := db.Get([]byte("a1")); err != nil || string(v) != "one" {
		t.Fatalf("got %q, %v", v, err)
	}
	if _, err := db.Get([]byte("b")); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("got %v, want ErrNotFound", err)
	}
	var keys []string
	if err := db.Iterate(store.Prefix([]byte("a")), func(k, _ []byte) (bool, error) {
		keys = append(keys, string(k))
		return true, nil
	}); err != nil || fmt.Sprint(keys) != "[a1 a2]" {
		t.Fatalf("got %v, %v", keys, err)
	}
}

// TestDBKeepsAPrefix: after a crash the store holds batches 1…k for one k, at least the
// last synced one, with journals that rotate meanwhile.
func TestDBKeepsAPrefix(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 1))
		disk := storetest.New(seed)
		next, synced := uint64(1), uint64(0)
		for life := range 4 {
			if life > 0 {
				disk.CrashAfter(rng.IntN(90)) // often within recovery
			}
			next, synced = dbLife(t, disk, rng, next, synced)
			disk.Crash()
		}
		dbLife(t, disk, rng, next, synced)
	}
}

// dbLife opens the store, checks it and writes numbered batches until the disk crashes.
func dbLife(t *testing.T, disk *storetest.FS, rng *rand.Rand, next, synced uint64) (uint64, uint64) {
	t.Helper()
	db, err := store.OpenSmall(storetest.NewStorage(disk, "db"))
	if err != nil {
		if !disk.Crashed() {
			t.Fatalf("open: %v", err)
		}
		return next, synced
	}
	defer db.Close()
	last := checkPrefix(t, disk, db)
	if disk.Crashed() {
		return next, synced
	}
	if last < synced || last >= next {
		t.Fatalf("got batches up to %d, want from %d to %d", last, synced, next-1)
	}
	synced = last // recovery has made durable what it showed
	for n := last + 1; n < last+30; n++ {
		var b store.Batch
		for i := range 4 {
			value := make([]byte, 8, 30_000)
			binary.BigEndian.PutUint64(value, n)
			b.Set(fmt.Appendf(nil, "%d", i), value[:8+rng.IntN(29_000)])
		}
		b.Set(binary.BigEndian.AppendUint64([]byte("n"), n), nil)
		sync := rng.IntN(5) == 0
		if err := db.Write(&b, sync); err != nil {
			if !disk.Crashed() {
				t.Fatalf("write: %v", err)
			}
			return n + 1, synced
		}
		if sync {
			synced = n
		}
		next = n + 1
	}
	return next, synced
}

func checkPrefix(t *testing.T, disk *storetest.FS, db *store.DB) uint64 {
	t.Helper()
	var last uint64
	err := db.Iterate(store.Prefix([]byte("n")), func(k, _ []byte) (bool, error) {
		n := binary.BigEndian.Uint64(k[1:])
		if n != last+1 {
			return false, fmt.Errorf("batch %d follows %d", n, last)
		}
		last = n
		return true, nil
	})
	for i := 0; err == nil && i < 4 && last > 0; i++ {
		var v []byte
		if v, err = db.Get(fmt.Appendf(nil, "%d", i)); err == nil && binary.BigEndian.Uint64(v) != last {
			err = fmt.Errorf("key %d is of batch %d, want %d", i, binary.BigEndian.Uint64(v), last)
		}
	}
	if err != nil && !disk.Crashed() {
		t.Fatal(err)
	}
	return last
}
