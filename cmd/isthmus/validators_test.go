package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// newcomer writes the public keys of a node that is no validator yet.
func newcomer(t *testing.T) (path string, v bootstrap.Validator) {
	t.Helper()
	keys, err := bootstrap.GenerateKeys(bytes.NewReader(bytes.Repeat([]byte{7}, 1024)))
	if err != nil {
		t.Fatal(err)
	}
	path, v = filepath.Join(t.TempDir(), "validator.json"), keys.Validator(0)
	writeJSON(t, path, v)
	return path, v
}

func writeJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestProposeValidators(t *testing.T) {
	a := newFakeNode(t, "a", 6)
	_, dir := a.serve(t)
	path, v := newcomer(t)
	member := a.zero.Set.At(0).Node.String()
	want := v.Member()
	want.Weight = 3
	for i, c := range []struct {
		args []string
		act  types.Act
	}{
		{[]string{"add", "--keys-from", path, "--weight", "3", "--expiry", "1m"}, types.Act{Kind: types.ActValidator, Validator: &want, Expiry: 1_060_000}},
		{[]string{"weight", "--validator", member, "--weight", "5"}, types.Act{Kind: types.ActValidator, Validator: &proofs.Validator{Node: a.zero.Set.At(0).Node, Weight: 5}}},
		{[]string{"remove", "--validator", member}, types.Act{Kind: types.ActRemoveValidator, Validator: &proofs.Validator{Node: a.zero.Set.At(0).Node}}},
	} {
		id := strings.TrimSpace(must(t, append([]string{"governance", "propose", "validator"}, append(c.args, "--dir", dir)...)...))
		c.act.Network = a.zero.ID
		if got := c.act.ID(); hexHash(got).String() != id || a.acts[i].ID != got {
			t.Errorf("%v: got %+v with %+v", c.args, a.acts[i].Act, a.acts[i].Act.Validator)
		}
	}
	list := must(t, "governance", "list", "--dir", dir)
	for _, want := range []string{"validator\t" + v.Node.String()[:8] + " weight 3", "remove validator\t" + member[:8]} {
		if !strings.Contains(list, want) {
			t.Errorf("list has no %q:\n%s", want, list)
		}
	}
	// SECURITY: rogue key; the node never hears of it.
	v.Possession[5] ^= 1
	writeJSON(t, path, v)
	if code, _, stderr := isthmus(t, "governance", "propose", "validator", "add", "--dir", dir, "--keys-from", path, "--weight", "3"); code == 0 || len(a.acts) != 3 {
		t.Errorf("bad possession: got exit code %d, %d acts: %s", code, len(a.acts), stderr)
	}
}

func TestNetworkValidators(t *testing.T) {
	a := newFakeNode(t, "a", 6)
	addr, dir := a.serve(t)
	a.membership = &api.Membership{
		Epoch: 4, EpochEnd: 1_030_000, SetHash: proofs.Hash{1}, Total: 3, NextHash: proofs.Hash{2}, NextTotal: 5, Sequence: 6, ReadyWeight: 3,
		Members: []api.Member{{Node: proofs.NodeKey{1}, Weight: 3, Next: 3, Ready: true, Connected: true}, {Node: proofs.NodeKey{2}, Next: 2}},
	}
	out := must(t, "network", "validators", "--node", addr)
	for _, want := range []string{
		"4, over in 30s", "act 6; ready: 3 of 5", proofs.NodeKey{1}.String() + "\t3\t3\tyes\tyes", proofs.NodeKey{2}.String() + "\t-\t2\tno\tno",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	var got struct {
		Pending bool         `json:"pending"`
		Set     hexHash      `json:"set_hash"`
		Members []api.Member `json:"validators"`
	}
	if err := json.Unmarshal([]byte(must(t, "network", "validators", "--dir", dir, "--json")), &got); err != nil || !got.Pending || got.Set != (hexHash{1}) || len(got.Members) != 2 {
		t.Errorf("JSON: %+v, %v", got, err)
	}
	a.membership.NextHash = a.membership.SetHash
	if out := must(t, "network", "validators", "--node", addr); !strings.Contains(out, "the set in office goes on") {
		t.Errorf("no change:\n%s", out)
	}
}

func TestNodePeersAdd(t *testing.T) {
	a := newFakeNode(t, "a", 6)
	_, dir := a.serve(t)
	must(t, "node", "peers", "add", "--dir", dir, "/ip4/1.2.3.4/udp/5/quic-v1/p2p/x", "/ip4/1.2.3.5/udp/5/quic-v1/p2p/y")
	if len(a.peers[a.zero.ID]) != 2 {
		t.Errorf("got %v", a.peers)
	}
	if code, _, _ := isthmus(t, "node", "peers", "add", "--dir", dir); code != 2 {
		t.Errorf("no address: got exit code %d, want 2", code)
	}
}
