package sim

import (
	"bytes"
	"testing"
)

// TestTornLog: a power failure cuts the log at any byte; what is read then are the
// records that were synced, and a prefix of the others, whole.
func TestTornLog(t *testing.T) {
	synced, unsynced := [][]byte{[]byte("one"), {}}, [][]byte{[]byte("three"), []byte("four"), {5}}
	all := append(append([][]byte{}, synced...), unsynced...)
	for keep := 0; ; keep++ {
		var l wal
		l.append(synced)
		l.sync()
		l.append(unsynced)
		if keep > len(l.unsynced) {
			return
		}
		l.fail(keep)
		got := l.records()
		if len(got) < len(synced) || len(got) > len(all) {
			t.Fatalf("cut after %d bytes: got %d records", keep, len(got))
		}
		for i := range got {
			if !bytes.Equal(got[i], all[i]) {
				t.Fatalf("cut after %d bytes: record %d is %q, want %q", keep, i, got[i], all[i])
			}
		}
		l.append(unsynced[:1])
		l.sync()
		if n := len(l.records()); n != len(got)+1 {
			t.Fatalf("cut after %d bytes: %d records after one more, want %d", keep, n, len(got)+1)
		}
	}
}

// TestLostWrites: a power failure leaves what was synced and a prefix of the rest.
func TestLostWrites(t *testing.T) {
	for keep := range 4 {
		f := file[int]{clone: func(v *int) int { return *v }}
		f.write(func(v *int) { *v += 1 })
		f.sync()
		for i := range 3 {
			f.write(func(v *int) { *v += 10 << i })
		}
		if f.live != 71 || f.durable != 1 {
			t.Fatalf("live %d, durable %d", f.live, f.durable)
		}
		f.fail(keep)
		if want := []int{1, 11, 31, 71}[keep]; f.live != want || f.durable != want {
			t.Fatalf("kept %d writes: live %d, durable %d, want %d", keep, f.live, f.durable, want)
		}
	}
}
