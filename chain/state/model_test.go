package state_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// oracle is the naive state: a map, copied for each version.
type oracle struct {
	kv    map[string]string
	index map[string]string
	logs  map[string]oracleLog
}

type oracleLog struct {
	begin   uint64
	entries []string
}

func newOracle() oracle {
	return oracle{kv: map[string]string{}, index: map[string]string{}, logs: map[string]oracleLog{}}
}

func (o oracle) clone() oracle {
	c := oracle{kv: maps.Clone(o.kv), index: maps.Clone(o.index), logs: maps.Clone(o.logs)}
	for name, l := range c.logs {
		l.entries = slices.Clone(l.entries)
		c.logs[name] = l
	}
	return c
}

func (l oracleLog) hashes() []merkle.Hash {
	var list []merkle.Hash
	for _, e := range l.entries {
		list = append(list, merkle.LeafHash([]byte(e)))
	}
	return list
}

// all returns the key-value set with the summaries of the logs.
func (o oracle) all(t tb) map[string]string {
	kv := maps.Clone(o.kv)
	for name, l := range o.logs {
		if len(l.entries) == 0 {
			continue
		}
		var r merkle.Range
		for _, h := range l.hashes() {
			check(t, r.Append(h, nil))
		}
		kv["log/"+name] = string(state.LogInfo{Begin: l.begin, Peaks: r}.Encode())
	}
	return kv
}

func (o oracle) root(t tb) merkle.Hash {
	var pairs []merkle.KV
	for k, v := range o.all(t) {
		pairs = append(pairs, merkle.KV{Key: []byte(k), Value: []byte(v)})
	}
	root, err := merkle.TrieRoot(pairs)
	check(t, err)
	return root
}

type tb interface {
	Helper()
	Fatalf(format string, args ...any)
}

func check(t tb, err error) {
	if err != nil {
		t.Helper()
		t.Fatalf("%v", err)
	}
}

func scanOf(kv map[string]string, prefix, from string) []string {
	var list []string
	for _, k := range slices.Sorted(maps.Keys(kv)) {
		if strings.HasPrefix(k, prefix) && k >= from {
			list = append(list, k+"="+kv[k])
		}
	}
	return list
}

func collect(list *[]string) func(k, v []byte) (bool, error) {
	return func(k, v []byte) (bool, error) {
		*list = append(*list, string(k)+"="+string(v))
		return true, nil
	}
}
