package state_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/store"
)

// BenchmarkUpdates overwrites random keys among 100,000, 10,000 per commit, on disk.
func BenchmarkUpdates(b *testing.B) {
	const size, batch = 100_000, 10_000
	db, err := store.Open(b.TempDir())
	check(b, err)
	defer db.Close()
	s, err := state.Open(db, state.Options{Retain: 16})
	check(b, err)
	rng := rand.New(rand.NewPCG(1, 1))
	value := make([]byte, 100)
	commit := func(version uint64, key func(i int) uint64) {
		tx, err := s.Begin(version)
		check(b, err)
		for i := range batch {
			k := binary.BigEndian.AppendUint64(make([]byte, 24, 32), key(i)*0x9e3779b97f4a7c15)
			binary.BigEndian.PutUint64(value, rng.Uint64())
			tx.Set(k, value)
		}
		_, err = tx.Commit(false)
		check(b, err)
	}
	version := uint64(0)
	for ; version < size/batch; version++ {
		commit(version, func(i int) uint64 { return version*batch + uint64(i) })
	}
	for b.Loop() {
		commit(version, func(int) uint64 { return rng.Uint64N(size) })
		version++
	}
	b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "updates/s")
}

// BenchmarkLogAppend appends 256-byte entries, 10,000 per commit, on disk.
func BenchmarkLogAppend(b *testing.B) {
	db, err := store.Open(b.TempDir())
	check(b, err)
	defer db.Close()
	s, err := state.Open(db, state.Options{})
	check(b, err)
	entry := make([]byte, 256)
	version := uint64(0)
	for b.Loop() {
		tx, err := s.Begin(version)
		check(b, err)
		version++
		l, err := tx.Log("q")
		check(b, err)
		for range 10_000 {
			_, err := l.Append(entry)
			check(b, err)
		}
		_, err = tx.Commit(false)
		check(b, err)
	}
	b.ReportMetric(float64(b.N*10_000)/b.Elapsed().Seconds(), "appends/s")
}
