package store_test

import (
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/store/storetest"
)

func openRecord(t *testing.T, fs store.FS, dir string) *store.SigningRecord {
	t.Helper()
	r, err := store.OpenSigningRecord(fs, dir)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return r
}

func digest(b byte) [32]byte { return [32]byte{0: b, 31: 1} }

func TestSigningRecordRefusesASecondVote(t *testing.T) {
	for name, fs := range map[string]store.FS{"os": store.OS, "memory": storetest.New(1)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			slot := store.Slot{Kind: 3, Epoch: 5, View: 9, Sub: 2}
			for range 3 { // across restarts
				r := openRecord(t, fs, dir)
				if err := r.Record(slot, digest(1)); err != nil {
					t.Fatalf("same digest: %v", err)
				}
				err := r.Record(slot, digest(2))
				var conflict *store.ConflictError
				if !errors.Is(err, store.ErrConflict) || !errors.As(err, &conflict) {
					t.Fatalf("got %v, want ErrConflict", err)
				}
				if conflict.Have != digest(1) || conflict.Want != digest(2) || conflict.Slot != slot {
					t.Fatalf("got %+v", conflict)
				}
				if err := r.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// TestTwoCopiesOfOneKey: the second process on one record is refused.
func TestTwoCopiesOfOneKey(t *testing.T) {
	dir := t.TempDir()
	r := openRecord(t, store.OS, dir)
	if _, err := store.OpenSigningRecord(store.OS, dir); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("got %v, want ErrLocked", err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := openRecord(t, store.OS, dir).Close(); err != nil {
		t.Fatal(err)
	}
}

func TestSigningRecordWritesNothingForTheSameVote(t *testing.T) {
	fs := storetest.New(1)
	r := openRecord(t, fs, "rec")
	if err := r.Record(store.Slot{View: 1}, digest(1)); err != nil {
		t.Fatal(err)
	}
	before := fs.Ops()
	if err := r.Record(store.Slot{View: 1}, digest(1)); err != nil {
		t.Fatal(err)
	}
	if got := fs.Ops(); got != before {
		t.Fatalf("got %d operations, want none", got-before)
	}
	fs.CrashAfter(100)
	entries := []store.Entry{{Slot: store.Slot{View: 2}, Digest: digest(1)}, {Slot: store.Slot{View: 3}, Digest: digest(1)}}
	if err := r.RecordAll(entries); err != nil {
		t.Fatal(err)
	}
	if got := fs.Ops(); got != 2 {
		t.Fatalf("got %d operations for a batch, want one write and one sync", got)
	}
}

func TestSigningRecordBatchIsAllOrNothing(t *testing.T) {
	r := openRecord(t, storetest.New(1), "rec")
	a, b := store.Slot{View: 1}, store.Slot{View: 2}
	good := []store.Entry{{Slot: a, Digest: digest(1)}, {Slot: b, Digest: digest(1)}}
	clash := []store.Entry{{Slot: a, Digest: digest(1)}, {Slot: a, Digest: digest(2)}}
	if err := r.RecordAll(clash); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("conflict within a batch: got %v", err)
	}
	if _, ok := r.Lookup(a); ok {
		t.Fatal("a refused batch was recorded in part")
	}
	if err := r.RecordAll(good); err != nil {
		t.Fatal(err)
	}
}

func TestSigningRecordPruneNeverForgets(t *testing.T) {
	fs := storetest.New(1)
	r := openRecord(t, fs, "rec")
	for epoch := range uint64(6) {
		if err := r.Record(store.Slot{Epoch: epoch}, digest(1)); err != nil {
			t.Fatal(err)
		}
	}
	size := fs.Size("rec/signing.rec")
	if err := r.Prune(4); err != nil {
		t.Fatal(err)
	}
	if err := r.Prune(2); err != nil { // the floor never falls
		t.Fatal(err)
	}
	if got := fs.Size("rec/signing.rec"); got >= size {
		t.Fatalf("pruned to %d bytes from %d", got, size)
	}
	fs.Crash()
	r = openRecord(t, fs, "rec")
	if got := r.Floor(); got != 4 {
		t.Fatalf("floor: got %d, want 4", got)
	}
	if err := r.Record(store.Slot{Epoch: 3}, digest(1)); !errors.Is(err, store.ErrPruned) {
		t.Fatalf("a pruned slot, even with its own digest: got %v, want ErrPruned", err)
	}
	if err := r.Record(store.Slot{Epoch: 4}, digest(2)); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("a kept slot: got %v, want ErrConflict", err)
	}
}

func TestSigningRecordCrashAtEveryWrite(t *testing.T) {
	for seed := range uint64(8) {
		for n := 0; ; n++ {
			if recordCrash(t, seed, n) {
				break
			}
		}
	}
}

// recordCrash crashes after n operations in two lives; no acknowledged vote may be lost.
func recordCrash(t *testing.T, seed uint64, n int) bool {
	fs := storetest.New(seed<<32 | uint64(n))
	acked := map[store.Slot][32]byte{}
	floor, reached := uint64(0), false
	for life := range 3 {
		if life < 2 {
			fs.CrashAfter(n)
		}
		r, err := store.OpenSigningRecord(fs, "rec")
		if err == nil {
			checkRecord(t, r, acked, floor)
			err = recordWork(r, life, acked, &floor)
		}
		if err != nil {
			reached = true
			if !errors.Is(err, storetest.ErrCrashed) {
				t.Fatalf("seed %d, crash at %d, life %d: %v", seed, n, life, err)
			}
		}
		fs.Crash()
	}
	return !reached
}

func recordWork(r *store.SigningRecord, life int, acked map[store.Slot][32]byte, floor *uint64) error {
	for i := range uint64(6) {
		// Another digest in each life: a vote that was torn away may be taken anew.
		batch := []store.Entry{
			{Slot: store.Slot{Kind: 1, Epoch: i + 1, View: i}, Digest: digest(byte(life))},
			{Slot: store.Slot{Kind: 2, Epoch: i + 1, View: i}, Digest: digest(byte(life))},
		}
		switch err := r.RecordAll(batch); {
		case errors.Is(err, store.ErrConflict), errors.Is(err, store.ErrPruned):
		case err != nil:
			return err
		default:
			for _, e := range batch {
				acked[e.Slot] = e.Digest
			}
		}
		if i == 3 {
			if err := r.Prune(uint64(life) + 1); err != nil {
				return err
			}
			*floor = max(*floor, uint64(life)+1)
		}
	}
	return nil
}

func checkRecord(t *testing.T, r *store.SigningRecord, acked map[store.Slot][32]byte, floor uint64) {
	t.Helper()
	if r.Floor() < floor {
		t.Fatalf("floor: got %d, want at least %d", r.Floor(), floor)
	}
	for slot, want := range acked {
		err := r.Record(slot, digest(99))
		if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrPruned) {
			t.Fatalf("%s was acknowledged, then a second vote got %v", slot, err)
		}
		if got, ok := r.Lookup(slot); ok && got != want {
			t.Fatalf("%s: got %x, want %x", slot, got, want)
		}
	}
}

func TestSigningRecordRefusesDamage(t *testing.T) {
	fs := storetest.New(1)
	r := openRecord(t, fs, "rec")
	for i := range uint64(4) {
		if err := r.Record(store.Slot{View: i}, digest(1)); err != nil {
			t.Fatal(err)
		}
	}
	fs.Crash()
	if err := openRecord(t, fs, "rec").Close(); err != nil {
		t.Fatal(err)
	}
	for _, offset := range []int{3, 25, 60, 140} {
		if err := fs.Corrupt("rec/signing.rec", offset); err != nil {
			t.Fatal(err)
		}
		if _, err := store.OpenSigningRecord(fs, "rec"); !errors.Is(err, store.ErrCorrupt) {
			t.Fatalf("damage at %d: got %v, want ErrCorrupt", offset, err)
		}
		if err := fs.Corrupt("rec/signing.rec", offset); err != nil {
			t.Fatal(err)
		}
	}
}
