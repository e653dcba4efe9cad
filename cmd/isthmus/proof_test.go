package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// provingNode serves one certified state, and lies as lie says.
type provingNode struct {
	*fakeNode
	trie   *merkle.Trie
	state  map[string]string
	header proofs.CertifiedHeader
	lie    string
}

var provedAccount = proofs.AccountID{7}

func newProvingNode(t *testing.T) *provingNode {
	t.Helper()
	f := &provingNode{fakeNode: newFakeNode(t, "a", 6)}
	amount := proofs.NewAmount(1_500_000)
	f.state = map[string]string{string(proofs.BalanceKey(provedAccount, proofs.NativeAsset)): string(amount[:])}
	var pairs []merkle.KV
	for k, v := range f.state {
		pairs = append(pairs, merkle.KV{Key: []byte(k), Value: []byte(v)})
	}
	var err error
	if f.trie, err = merkle.NewTrie(pairs); err != nil {
		t.Fatal(err)
	}
	h := proofs.Header{
		Version: proofs.Version, Network: f.zero.ID, SetHash: f.zero.Set.Hash(), Height: 2, Time: 5000, Executed: 1, ExecutedTime: 4000,
		StateRoot: f.trie.Root(), OutboundRoot: proofs.Hash{1}, ReceiptRoot: proofs.Hash{2},
	}
	key, err := bls.NewSecretKey(append(make([]byte, bls.SecretKeySize-1), 'a'))
	if err != nil {
		t.Fatal(err)
	}
	vote := proofs.Vote{Kind: proofs.TypeFinalize, SetHash: h.SetHash, View: 1, Header: h.ID()}
	f.header = proofs.CertifiedHeader{Header: h, Certificate: proofs.Certificate{View: 1, Quorum: proofs.Aggregate{Bitmap: []byte{1}}}}
	signature := key.Sign(vote.SigningBytes(f.zero.ID))
	point, err := bls.ParseVote(signature[:])
	if err != nil {
		t.Fatal(err)
	}
	sum, err := bls.Aggregate([]bls.Point{point})
	if err != nil {
		t.Fatal(err)
	}
	f.header.Certificate.Quorum.Signature = sum.Bytes()
	return f
}

func (f *provingNode) KeyBlocks(context.Context, uint64, int) ([]proofs.KeyBlock, error) {
	return nil, nil
}

func (f *provingNode) Account(_ context.Context, id proofs.AccountID) (*api.Account, error) {
	return &api.Account{Account: id}, nil
}

func (f *provingNode) Prove(_ context.Context, keys [][]byte) (*api.StateProof, error) {
	p := &api.StateProof{Header: f.header}
	for _, k := range keys {
		proof, ok := f.trie.Prove(k)
		e := api.ProvedEntry{Key: k, Value: []byte(f.state[string(k)]), Present: ok, Proof: proof}
		switch f.lie {
		case "value":
			e.Value[15]++
		case "absence":
			e.Value, e.Present = nil, false
		}
		p.Entries = append(p.Entries, e)
	}
	switch f.lie {
	case "header":
		p.Header.Header.StateRoot[0] ^= 1
	case "certificate":
		p.Header.Certificate.Quorum.Bitmap = []byte{0}
	case "network":
		p.Header.Header.Network[0] ^= 1
	}
	return p, nil
}

func (f *provingNode) Message(_ context.Context, peer proofs.NetworkID, index uint64) (*api.MessageProof, error) {
	return &api.MessageProof{Header: f.header, Claim: proofs.MessageClaim{Message: proofs.Message{Destination: peer, Index: index}}}, nil
}

func (f *provingNode) Unexecuted(_ context.Context, body proofs.Hash, expiry uint64) (*api.UnexecutedProof, error) {
	return &api.UnexecutedProof{Header: f.header, Claim: proofs.BodyAbsenceClaim{Body: body, Expiry: expiry + 1}}, nil
}

// serveProofs returns the address of the node's API.
func (f *provingNode) serveProofs(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- api.NewServer(f, api.Options{}).Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// TestProofGetTrustsNoNode: what a node answers is verified before it is written.
func TestProofGetTrustsNoNode(t *testing.T) {
	f := newProvingNode(t)
	peer := newFakeNode(t, "b", 6)
	f.link(peer)
	addr, out := f.serveProofs(t), filepath.Join(t.TempDir(), "a.proof")
	get := []string{"proof", "get", "account", provedAccount.String(), "--node", addr, "--out", out}
	if text := must(t, get...); !strings.Contains(text, "has 1.5 IST.") || !strings.Contains(text, "Written to "+out) {
		t.Errorf("got %q", text)
	}
	if text := must(t, "proof", "verify", out, "--network", f.zero.ID.String()); !strings.Contains(text, "has 1.5 IST.") {
		t.Errorf("got %q", text)
	}
	if code, _, errs := isthmus(t, get...); code != 6 || !strings.Contains(errs, "exists") {
		t.Errorf("file that exists: got exit code %d, %s", code, errs)
	}
	lied := filepath.Join(t.TempDir(), "lied.proof")
	get[len(get)-1] = lied
	for _, c := range []struct{ lie, want string }{
		{"value", "bad branch"}, {"absence", "bad branch"}, {"header", "bad signature"}, {"certificate", "quorum not reached"}, {"network", "wrong network"},
	} {
		f.lie = c.lie
		code, stdout, errs := isthmus(t, get...)
		if code != 3 || stdout != "" || !strings.Contains(errs, c.want) {
			t.Errorf("lie about the %s: got exit code %d, %q, %s", c.lie, code, stdout, errs)
		}
	}
	f.lie = ""
	for _, args := range [][]string{
		{"message", "--peer", peer.zero.ID.String(), "--index", "3"},
		{"absence", "--body", fmt.Sprintf("%064x", 1), "--expiry", "3"},
		{"account", provedAccount.String(), "--network", peer.zero.ID.String()},
	} {
		args := append(append([]string{"proof", "get"}, args...), "--node", addr, "--out", lied)
		if code, _, errs := isthmus(t, args...); code != 3 {
			t.Errorf("%v: got exit code %d, %s", args, code, errs)
		}
	}
	f.lieZero = true
	if code, _, errs := isthmus(t, get...); code != 3 {
		t.Errorf("lie about the zero-header: got exit code %d, %s", code, errs)
	}
	if _, err := os.Stat(lied); err == nil {
		t.Error("a lie was written")
	}
	f.lieZero = false
	if code, _, errs := isthmus(t, "proof", "get", "absence", "--key", fmt.Sprintf("%x", proofs.BalanceKey(provedAccount, proofs.NativeAsset)), "--node", addr, "--out", lied); code != 6 {
		t.Errorf("absence of what is there: got exit code %d, %s", code, errs)
	}
	if code, _, errs := isthmus(t, "proof", "get", "conservation", "--node", addr, "--out", lied); code != 2 {
		t.Errorf("no peer: got exit code %d, %s", code, errs)
	}
}
