package bootstrap

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
)

func TestJoin(t *testing.T) {
	c, _ := create(t)
	doc, err := LoadZeroState(c.Path)
	if err != nil {
		t.Fatal(err)
	}
	good := JoinOptions{
		ZeroState: doc, Dir: filepath.Join(t.TempDir(), "deeper", "fifth"), Listen: []string{"/ip4/127.0.0.1/udp/4700/quic-v1"}, API: "127.0.0.1:4701",
		Peers: map[proofs.NodeKey][]string{c.Zero.Set.At(0).Node: {"/ip4/127.0.0.1/udp/4600/quic-v1"}}, Rand: &stream{},
	}
	for name, change := range map[string]func(o *JoinOptions){
		"no folder": func(o *JoinOptions) { o.Dir = "" },
		"no peers":  func(o *JoinOptions) { o.Peers = nil },
		"an address with an id": func(o *JoinOptions) {
			o.Peers = map[proofs.NodeKey][]string{{1}: {"/ip4/127.0.0.1/udp/4600/quic-v1/p2p/x"}}
		},
		"an API without a port": func(o *JoinOptions) { o.API = "localhost" },
	} {
		bad := good
		change(&bad)
		if _, err := Join(bad); !errors.Is(err, ErrOptions) && !errors.Is(err, ErrDocument) {
			t.Errorf("%s: got %v", name, err)
		}
		if _, err := os.Stat(good.Dir); !errors.Is(err, fs.ErrNotExist) {
			t.Fatalf("%s: something was written: %v", name, err)
		}
	}
	j, err := Join(good)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Join(good); !errors.Is(err, ErrExists) {
		t.Errorf("again: got %v, want ErrExists", err)
	}
	keys, err := LoadKeys(good.Dir)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := LoadNodeConfig(good.Dir)
	if err != nil || len(cfg.Peers) != 1 || cfg.API != good.API || cfg.Listen[0] != good.Listen[0] {
		t.Errorf("node.json: %+v, %v", cfg, err)
	}
	fromFolder, err := LoadValidator(good.Dir)
	if err != nil || *fromFolder != j.Validator || fromFolder.Node != keys.NodeKey() {
		t.Errorf("from the folder: %+v, %v", fromFolder, err)
	}
	if err := os.Remove(filepath.Join(good.Dir, ValidatorFile)); err != nil {
		t.Fatal(err)
	}
	if v, err := LoadValidator(good.Dir); err != nil || *v != j.Validator {
		t.Errorf("from keys.json: %+v, %v", v, err)
	}
	m := j.Validator.Member()
	m.Weight = 1
	if _, err := c.Zero.Set.Apply(&proofs.SetDelta{Upserted: []proofs.Validator{m}}); err != nil {
		t.Errorf("it cannot become a validator: %v", err)
	}
}
