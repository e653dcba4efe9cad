package state_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/store/storetest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// TestCrashKeepsWholeVersions: after a crash at any write the state is exactly that of
// one version, at least the last synced one: root, flat store, trie, logs and index agree.
func TestCrashKeepsWholeVersions(t *testing.T) {
	for seed := range uint64(150) {
		rng := rand.New(rand.NewPCG(seed, 3))
		disk := storetest.New(seed)
		c := &crashRun{t: t, rng: rng, versions: map[uint64]oracle{}}
		for life := range 4 {
			if life > 0 {
				disk.CrashAfter(rng.IntN(45))
			}
			c.life(disk)
			disk.Crash()
		}
		c.life(disk)
	}
}

type crashRun struct {
	t        *testing.T
	rng      *rand.Rand
	versions map[uint64]oracle // of every commit that was tried, the latest try of each
	synced   uint64
}

// life opens the state, checks it, and commits until the disk crashes.
func (c *crashRun) life(disk *storetest.FS) {
	db, err := store.OpenStorage(storetest.NewStorage(disk, "db"))
	if err != nil {
		c.crashed(disk, err)
		return
	}
	defer db.Close()
	s, err := state.Open(db, state.Options{Retain: 3, CachePages: 8})
	if err != nil {
		c.crashed(disk, err)
		return
	}
	if err := c.check(s); err != nil {
		c.crashed(disk, err)
		return
	}
	c.synced = s.Version() // recovery has made durable what it showed
	for range 12 {
		sync := c.rng.IntN(3) == 0
		if err := c.commit(s, sync); err != nil {
			c.crashed(disk, err)
			return
		}
		if sync {
			c.synced = s.Version()
		}
	}
}

func (c *crashRun) crashed(disk *storetest.FS, err error) {
	c.t.Helper()
	if !disk.Crashed() {
		c.t.Fatal(err)
	}
}

func (c *crashRun) commit(s *state.State, sync bool) error {
	next := newOracle()
	if s.Version() > 0 {
		next = c.versions[s.Version()].clone()
	}
	tx, err := s.Begin(s.Version() + 1)
	if err != nil {
		return err
	}
	defer tx.Discard()
	for range 1 + c.rng.IntN(30) {
		key, value := fmt.Sprintf("k%d", c.rng.IntN(200)), fmt.Sprintf("v%d", c.rng.IntN(1000))
		if c.rng.IntN(4) == 0 {
			tx.Delete([]byte(key))
			delete(next.kv, key)
			continue
		}
		tx.Set([]byte(key), []byte(value))
		next.kv[key] = value
	}
	tx.SetIndex([]byte("version"), fmt.Appendf(nil, "%d", tx.Version()))
	l, err := tx.Log("q")
	if err != nil {
		return err
	}
	o := next.logs["q"]
	for range c.rng.IntN(200) {
		entry := fmt.Sprintf("%d.%d", tx.Version(), len(o.entries))
		if _, err := l.Append([]byte(entry)); err != nil {
			return err
		}
		o.entries = append(o.entries, entry)
	}
	next.logs["q"] = o
	c.versions[tx.Version()] = next
	_, err = tx.Commit(sync)
	return err
}

func (c *crashRun) check(s *state.State) error {
	version := s.Version()
	if version < c.synced {
		c.t.Fatalf("version: got %d, but %d was synced", version, c.synced)
	}
	if version == 0 {
		return nil
	}
	want, ok := c.versions[version]
	if !ok || s.Root() != want.root(c.t) {
		c.t.Fatalf("version %d: got root %x, want %x", version, s.Root(), want.root(c.t))
	}
	v, err := s.At(version)
	if err != nil {
		return err
	}
	all := want.all(c.t)
	found := 0
	err = v.Iterate(nil, nil, func(k, _ []byte) (bool, error) {
		found++
		value, ok, proof, err := v.Prove(k)
		if err == nil && (!ok || string(value) != all[string(k)]) {
			err = fmt.Errorf("key %q: got %q, want %q", k, value, all[string(k)])
		}
		if err == nil {
			err = merkle.VerifyPresence(v.Root(), k, value, proof)
		}
		return true, err
	})
	if err != nil {
		return err
	}
	if found != len(all) {
		return fmt.Errorf("got %d keys, want %d", found, len(all))
	}
	if at, _, err := s.Index([]byte("version")); err != nil || string(at) != fmt.Sprint(version) {
		return fmt.Errorf("index of version %q at version %d: %w", at, version, err)
	}
	return c.checkLog(s, want.logs["q"])
}

func (c *crashRun) checkLog(s *state.State, o oracleLog) error {
	n := uint64(len(o.entries))
	if n == 0 {
		return nil
	}
	r, err := s.ReadLog("q")
	if err != nil {
		return err
	}
	root, err := r.RootAt(n)
	if err != nil {
		return err
	}
	if root != merkle.Root(o.hashes()) {
		return fmt.Errorf("log root at %d differs", n)
	}
	entries, err := r.Entries(0, n, 1<<30)
	if err == nil && uint64(len(entries)) != n {
		err = fmt.Errorf("got %d log entries, want %d", len(entries), n)
	}
	return err
}
