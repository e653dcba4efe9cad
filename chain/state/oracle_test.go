package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/store/storetest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// run drives a State and the oracle with the same random steps.
type run struct {
	t        *rapid.T
	disk     *storetest.FS
	retain   uint64
	db       *store.DB
	s        *state.State
	tx       *state.Tx
	now      oracle // of the open transaction
	marks    []savepoint
	last     oracle
	versions map[uint64]oracle
}

type savepoint struct {
	mark state.Mark
	then oracle
}

var keys = rapid.Custom(func(t *rapid.T) string {
	return rapid.SampledFrom([]string{"", "a", "a\x00", "ab", "m\xff", "z", "log", "log0"}).Draw(t, "stem") +
		string(rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 'k', 0xff}), 0, 3).Draw(t, "tail"))
})

func (r *run) open() {
	var err error
	r.db, err = store.OpenStorage(storetest.NewStorage(r.disk, "db"))
	check(r.t, err)
	r.s, err = state.Open(r.db, state.Options{Retain: r.retain, CachePages: 4})
	check(r.t, err)
}

func (r *run) reopen() {
	check(r.t, r.db.Close())
	r.open()
}

func (r *run) begin() {
	version := uint64(0)
	if len(r.versions) > 0 {
		version = r.s.Version() + rapid.Uint64Range(1, 3).Draw(r.t, "step")
	}
	var err error
	r.tx, err = r.s.Begin(version)
	check(r.t, err)
	r.now, r.marks = r.last.clone(), nil
}

func (r *run) write() {
	for range rapid.IntRange(1, 12).Draw(r.t, "writes") {
		key, value := keys.Draw(r.t, "key"), rapid.StringN(0, 6, -1).Draw(r.t, "value")
		switch rapid.IntRange(0, 3).Draw(r.t, "kind") {
		case 0:
			r.tx.Delete([]byte(key))
			delete(r.now.kv, key)
		case 1:
			r.tx.SetIndex([]byte(key), []byte(value))
			r.now.index[key] = value
		default:
			r.tx.Set([]byte(key), []byte(value))
			r.now.kv[key] = value
		}
	}
}

func (r *run) log() {
	name := rapid.SampledFrom([]string{"q", "peer/\x01", "r"}).Draw(r.t, "log")
	l, err := r.tx.Log(name)
	check(r.t, err)
	o := r.now.logs[name]
	switch rapid.IntRange(0, 9).Draw(r.t, "act") {
	case 0:
		check(r.t, l.Drop())
		o = oracleLog{}
	case 1:
		o.begin = rapid.Uint64Range(o.begin, uint64(len(o.entries))).Draw(r.t, "begin")
		check(r.t, l.SetBegin(o.begin))
	case 2:
		for range rapid.IntRange(100, 600).Draw(r.t, "many") {
			r.append(l, &o)
		}
	default:
		r.append(l, &o)
	}
	r.now.logs[name] = o
	if l.Begin() != o.begin || l.End() != uint64(len(o.entries)) || l.Root() != merkle.Root(o.hashes()) {
		r.t.Fatalf("log %q: got [%d, %d), want [%d, %d)", name, l.Begin(), l.End(), o.begin, len(o.entries))
	}
	if n := len(o.entries); n > 0 {
		i := rapid.IntRange(0, n-1).Draw(r.t, "entry")
		got, err := l.Entry(uint64(i))
		check(r.t, err)
		if string(got) != o.entries[i] {
			r.t.Fatalf("entry %d: got %q, want %q", i, got, o.entries[i])
		}
	}
}

func (r *run) append(l *state.Log, o *oracleLog) {
	entry := fmt.Sprintf("entry %d %d", len(o.entries), r.tx.Version())
	i, err := l.Append([]byte(entry))
	check(r.t, err)
	if i != uint64(len(o.entries)) {
		r.t.Fatalf("index: got %d, want %d", i, len(o.entries))
	}
	o.entries = append(slices.Clip(o.entries), entry)
}

func (r *run) savepoint() {
	if len(r.marks) > 0 && rapid.Bool().Draw(r.t, "revert") {
		i := rapid.IntRange(0, len(r.marks)-1).Draw(r.t, "to")
		r.tx.Revert(r.marks[i].mark)
		r.now = r.marks[i].then.clone()
		r.marks = r.marks[:i+rapid.IntRange(0, 1).Draw(r.t, "keep")]
		return
	}
	r.marks = append(r.marks, savepoint{r.tx.Snapshot(), r.now.clone()})
}

func (r *run) readTx() {
	all := r.now.all(r.t)
	key := keys.Draw(r.t, "key")
	got, ok, err := r.tx.Get([]byte(key))
	check(r.t, err)
	if want, wantOK := all[key]; ok != wantOK || string(got) != want {
		r.t.Fatalf("get %q: got %q, %v, want %q, %v", key, got, ok, want, wantOK)
	}
	prefix, from := rapid.SampledFrom([]string{"", "a", "log/", "z"}).Draw(r.t, "prefix"), keys.Draw(r.t, "from")
	var list []string
	check(r.t, r.tx.Iterate([]byte(prefix), []byte(from), collect(&list)))
	if want := scanOf(all, prefix, from); !slices.Equal(list, want) {
		r.t.Fatalf("iterate %q from %q: got %q, want %q", prefix, from, list, want)
	}
	if rapid.Bool().Draw(r.t, "root") {
		root, err := r.tx.Root()
		check(r.t, err)
		if want := r.now.root(r.t); root != want {
			r.t.Fatalf("root: got %x, want %x", root, want)
		}
	}
}

func (r *run) end() {
	if rapid.IntRange(0, 9).Draw(r.t, "discard") == 0 {
		r.tx.Discard()
		r.tx = nil
		return
	}
	root, err := r.tx.Commit(rapid.Bool().Draw(r.t, "sync"))
	check(r.t, err)
	if want := r.now.root(r.t); root != want || r.s.Root() != want {
		r.t.Fatalf("root: got %x, want %x", root, want)
	}
	r.versions[r.tx.Version()] = r.now
	r.last, r.tx = r.now, nil
	r.reopen()
	r.checkIndex()
	r.checkView()
	r.checkLogs()
}

func (r *run) checkIndex() {
	var list []string
	check(r.t, r.s.IterateIndex([]byte("a"), []byte("a\x00"), collect(&list)))
	if want := scanOf(r.last.index, "a", "a\x00"); !slices.Equal(list, want) {
		r.t.Fatalf("index: got %q, want %q", list, want)
	}
}

// checkView compares a random version, its scans and its proofs.
func (r *run) checkView() {
	version := rapid.Uint64Range(0, r.s.Version()).Draw(r.t, "view")
	v, err := r.s.At(version)
	if version+r.retain <= r.s.Version() {
		if !errors.Is(err, state.ErrPruned) {
			r.t.Fatalf("version %d of %d, retain %d: got %v, want ErrPruned", version, r.s.Version(), r.retain, err)
		}
		return
	}
	check(r.t, err)
	want, at := oracle{}, version
	for ok := false; !ok; at-- { // a skipped version shows the one before
		want, ok = r.versions[at]
	}
	if v.Root() != want.root(r.t) {
		r.t.Fatalf("version %d: got root %x, want %x", version, v.Root(), want.root(r.t))
	}
	all := want.all(r.t)
	prefix, from := rapid.SampledFrom([]string{"", "a", "a\x00", "m", "log"}).Draw(r.t, "prefix"), keys.Draw(r.t, "from")
	var list []string
	check(r.t, v.Iterate([]byte(prefix), []byte(from), collect(&list)))
	if want := scanOf(all, prefix, from); !slices.Equal(list, want) {
		r.t.Fatalf("version %d, iterate %q from %q: got %q, want %q", version, prefix, from, list, want)
	}
	for range 3 {
		checkProof(r.t, v, keys.Draw(r.t, "proved"), all)
	}
}

func checkProof(t tb, v *state.View, key string, all map[string]string) {
	t.Helper()
	value, ok, proof, err := v.Prove([]byte(key))
	check(t, err)
	want, wantOK := all[key]
	if ok != wantOK || string(value) != want {
		t.Fatalf("prove %q: got %q, %v, want %q, %v", key, value, ok, want, wantOK)
	}
	if ok {
		check(t, merkle.VerifyPresence(v.Root(), []byte(key), value, proof))
	} else {
		check(t, merkle.VerifyAbsence(v.Root(), []byte(key), proof))
	}
	got, ok, err := v.Get([]byte(key))
	check(t, err)
	if ok != wantOK || string(got) != want {
		t.Fatalf("get %q at %d: got %q, %v, want %q, %v", key, v.Version(), got, ok, want, wantOK)
	}
}

// checkLogs compares entries, compact ranges, inclusion proofs and roots.
func (r *run) checkLogs() {
	for name, o := range r.last.logs {
		reader, err := r.s.ReadLog(name)
		n := uint64(len(o.entries))
		if n == 0 {
			if !errors.Is(err, state.ErrNoLog) {
				r.t.Fatalf("log %q: got %v, want ErrNoLog", name, err)
			}
			continue
		}
		check(r.t, err)
		hashes := o.hashes()
		j := rapid.Uint64Range(1, n).Draw(r.t, "j")
		i := rapid.Uint64Range(0, j-1).Draw(r.t, "i")
		checkLog(r.t, reader, o, hashes, i, j)
	}
}

func checkLog(t tb, reader *state.LogReader, o oracleLog, hashes []merkle.Hash, i, j uint64) {
	t.Helper()
	entries, err := reader.Entries(i, j, 1<<30)
	check(t, err)
	for k, e := range entries {
		if string(e) != o.entries[i+uint64(k)] {
			t.Fatalf("entry %d: got %q", i+uint64(k), e)
		}
	}
	if len(entries) != int(j-i) {
		t.Fatalf("got %d entries, want %d", len(entries), j-i)
	}
	want := merkle.NewRange(i)
	for _, h := range hashes[i:j] {
		check(t, want.Append(h, nil))
	}
	nodes, err := reader.RangeNodes(i, j)
	check(t, err)
	if !slices.Equal(nodes, want.Nodes()) {
		t.Fatalf("range [%d, %d) differs", i, j)
	}
	root, err := reader.RootAt(j)
	check(t, err)
	if root != merkle.Root(hashes[:j]) {
		t.Fatalf("root at %d differs", j)
	}
	proof, err := reader.Inclusion(i, j)
	check(t, err)
	check(t, merkle.VerifyInclusion(hashes[i], i, j, proof, root))
}

// TestStateEqualsOracle drives a State, reopened after every commit, against the oracle.
func TestStateEqualsOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &run{
			t: t, disk: storetest.New(1), last: newOracle(), versions: map[uint64]oracle{},
			retain: rapid.Uint64Range(1, 8).Draw(t, "retain"),
		}
		r.open()
		defer func() { check(t, r.db.Close()) }()
		steps := []func(){r.write, r.write, r.log, r.savepoint, r.readTx, r.end}
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			if r.tx == nil {
				r.begin()
			}
			rapid.SampledFrom(steps).Draw(t, "next")()
		}
		if r.tx != nil {
			r.end()
		}
	})
}

func TestSetOfReservedOrHugeKeysIsRefused(t *testing.T) {
	for _, c := range []struct {
		key, value []byte
		want       error
	}{
		{[]byte("log/x"), nil, state.ErrReservedKey},
		{bytes.Repeat([]byte{1}, state.MaxKey+1), nil, state.ErrTooLarge},
		{[]byte("k"), make([]byte, state.MaxValue+1), state.ErrTooLarge},
	} {
		s := newState(t, state.Options{})
		tx, err := s.Begin(0)
		check(t, err)
		tx.Set([]byte("log"), nil)
		_, err = tx.Root()
		check(t, err)
		tx.Set(c.key, c.value)
		if _, err := tx.Commit(false); !errors.Is(err, c.want) {
			t.Fatalf("got %v, want %v", err, c.want)
		}
		tx.Discard()
		_, err = s.Begin(0)
		check(t, err)
	}
}

func newState(t testing.TB, opt state.Options) *state.State {
	t.Helper()
	db, err := store.OpenStorage(storetest.NewStorage(storetest.New(1), "db"))
	check(t, err)
	t.Cleanup(func() { check(t, db.Close()) })
	s, err := state.Open(db, opt)
	check(t, err)
	return s
}
