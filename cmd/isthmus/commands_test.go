package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func newKey(t *testing.T) (path, account string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key.json")
	return path, strings.TrimSpace(must(t, "account", "new", "--out", path))
}

func pair(t *testing.T) (a, b *fakeNode) {
	a, b = newFakeNode(t, "a", 6), newFakeNode(t, "b", 2)
	a.link(b)
	b.link(a)
	return a, b
}

func TestSendAtHomeAndAbroad(t *testing.T) {
	a, b := pair(t)
	addr, _ := a.serve(t)
	key, account := newKey(t)
	send := func(args ...string) *types.External {
		t.Helper()
		id := strings.TrimSpace(must(t, append([]string{"send", "--node", addr, "--key", key}, args...)...))
		x := a.sent[len(a.sent)-1]
		if id != hexHash(x.ID()).String() || x.Sender().String() != account || x.Network != a.zero.ID {
			t.Errorf("%v: printed %s, sent %+v", args, id, x)
		}
		return x
	}
	x := send("--to", account, "--amount", "1.5", "--memo", "hi", "--max-fee", "0.1")
	if x.Transfer.Network != a.zero.ID || x.Transfer.Amount != proofs.NewAmount(1_500_000) || x.Transfer.Gas != 0 ||
		x.Transfer.Memo != "hi" || x.MaxFee != proofs.NewAmount(100_000) || x.Expiry != 1000+30 {
		t.Errorf("at home: got %+v", x)
	}
	for _, network := range []string{"b", b.zero.ID.String()[:8], b.zero.ID.String()} {
		x = send("--to", network+":"+account, "--amount", "2", "--asset", network, "--deadline", "10s")
		if x.Transfer.Network != b.zero.ID || x.Transfer.Gas != execution.GasTransfer || x.Transfer.Deadline != 1_010_000 ||
			x.Transfer.Asset != proofs.NewAssetID(b.zero.ID, proofs.Hash{}) || x.Transfer.Recipient.String() != account {
			t.Errorf("to %s: got %+v", network, x)
		}
		if len(network) < 64 && x.Transfer.Amount != proofs.NewAmount(200) {
			t.Errorf("to %s: got amount %s, want it in the asset's own decimals", network, x.Transfer.Amount)
		}
	}
	x = send("--to", "a:"+account, "--amount", "1", "--asset", a.zero.ID.String())
	if x.Transfer.Asset != proofs.NativeAsset || x.Transfer.Network != a.zero.ID {
		t.Errorf("home by its id: got %+v", x.Transfer)
	}
}

func TestSendRefusals(t *testing.T) {
	a, b := pair(t)
	addr, _ := a.serve(t)
	key, account := newKey(t)
	args := []string{"send", "--node", addr, "--key", key, "--to", account, "--amount", "1"}
	must(t, args...)
	for name, tc := range map[string]struct {
		more []string
		code int
	}{
		"unknown network":  {[]string{"--to", "nowhere:" + account}, 4},
		"short prefix":     {[]string{"--to", b.zero.ID.String()[:4] + ":" + account}, 4},
		"zero amount":      {[]string{"--amount", "0"}, 2},
		"too many places":  {[]string{"--amount", "0.0000001"}, 2},
		"pinned elsewhere": {[]string{"--network", b.zero.ID.String()}, 6},
		"unknown stage":    {[]string{"--wait", "soon"}, 2},
	} {
		if code, _, stderr := isthmus(t, append(args, tc.more...)...); code != tc.code {
			t.Errorf("%s: got exit code %d, want %d: %s", name, code, tc.code, stderr)
		}
	}
	a.lieZero = true
	if code, _, stderr := isthmus(t, args...); code != 3 {
		t.Errorf("node that lies about decimals: got exit code %d, want 3: %s", code, stderr)
	}
	if len(a.sent) != 1 {
		t.Errorf("got %d messages sent, want 1", len(a.sent))
	}
}

func TestSendRefusesAnAmbiguousName(t *testing.T) {
	a, b := pair(t)
	twin := b.links[0]
	twin.Peer, twin.Name = proofs.NetworkID{9}, "b"
	a.links = append(a.links, twin)
	addr, _ := a.serve(t)
	key, account := newKey(t)
	code, _, stderr := isthmus(t, "send", "--node", addr, "--key", key, "--to", "b:"+account, "--amount", "1")
	if code != 2 || !strings.Contains(stderr, "2 networks match") {
		t.Errorf("got exit code %d: %s", code, stderr)
	}
}

func TestSendWaits(t *testing.T) {
	a, _ := pair(t)
	addr, _ := a.serve(t)
	key, account := newKey(t)
	args := []string{"send", "--node", addr, "--key", key, "--to", account, "--amount", "1", "--json", "--wait"}
	var got sent
	if err := json.Unmarshal([]byte(must(t, append(args, "executed")...)), &got); err != nil || got.Stage != api.StageExecuted || got.Height != 5 {
		t.Errorf("got %+v, %v", got, err)
	}
	a.code = proofs.CodeInsufficient
	code, stdout, stderr := isthmus(t, append(args, "certified")...)
	if code != 8 || !strings.Contains(stderr, "insufficient balance, in block 5") || !strings.Contains(stdout, `"stage": "certified"`) {
		t.Errorf("failed message: got exit code %d, %s, %s", code, stdout, stderr)
	}
	if code, _, stderr := isthmus(t, append(args, "acknowledged")...); code != 0 {
		t.Errorf("up to acknowledged: got exit code %d: %s", code, stderr)
	}
	a.halted = true
	code, _, stderr = isthmus(t, append(args, "executed", "--valid", "1s")...)
	if code != 5 || !strings.Contains(stderr, "is acknowledged, past its expiry: the network stands still") {
		t.Errorf("network that stands still: got exit code %d, %s", code, stderr)
	}
}

func TestTraceMergesBothNetworks(t *testing.T) {
	a, b := pair(t)
	addr, _ := a.serve(t)
	peerAddr, _ := b.serve(t)
	ref := proofs.EmittedRef{Destination: b.zero.ID, Incarnation: 1, Index: 7, ID: proofs.Hash{7}}
	a.trace = &api.Trace{
		Network: a.zero.ID, ID: proofs.Hash{1}, Done: true,
		Steps: []api.Step{{Name: api.StepReceived, Time: 1000}, {Name: api.StepExecuted, Time: 1040, Height: 3,
			Proof: api.ProofHint{Kind: api.ProofReceipt, Height: 5, Index: 2}}},
		Emitted: []api.Emitted{{Ref: ref, Steps: []api.Step{{Name: api.StepEmitted, Time: 1040, Height: 3}, {Name: api.StepSettled, Time: 1200, Height: 9}}}},
	}
	id := hexHash{1}.String()
	out := must(t, "trace", id, "--node", addr)
	if strings.Count(out, "\n") != 2+1+4 || !strings.Contains(out, "receipt 2 under header 5") || !strings.Contains(out, "a→b #7") {
		t.Errorf("without the peer:\n%s", out)
	}
	b.there = &api.Trace{Network: b.zero.ID, ID: ref.ID, Done: true, Steps: []api.Step{{Name: api.StepInducted, Time: 1100, Height: 4}}}
	var got struct {
		Steps []struct {
			Step  string
			After int64 `json:"after_ms"`
		}
		Notes []string
	}
	out = must(t, "trace", "--json", id, "--node", addr, "--peer-node", peerAddr)
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	want := []string{"received", "executed", "emitted", "inducted", "settled"}
	for i, s := range got.Steps {
		if len(got.Steps) != len(want) || s.Step != want[i] {
			t.Fatalf("got steps %+v, want %v", got.Steps, want)
		}
	}
	if got.Steps[3].After != 100 || len(got.Notes) != 0 {
		t.Errorf("got %+v", got)
	}
	b.there.ID[0] ^= 1
	if code, _, stderr := isthmus(t, "trace", id, "--node", addr, "--peer-node", peerAddr); code != 3 {
		t.Errorf("another message traced: got exit code %d, want 3: %s", code, stderr)
	}
	if code, _, _ := isthmus(t, "trace", hexHash{2}.String(), "--node", addr); code != 4 {
		t.Errorf("unknown message: got exit code %d, want 4", code)
	}
}

func TestGovernanceAndMesh(t *testing.T) {
	a, b := pair(t)
	addr, dir := a.serve(t)
	peer := b.zero.ID.String()
	id := strings.TrimSpace(must(t, "mesh", "register", "--dir", dir, "--peer", peer, "--gas-rate", "3", "--addr", "/ip4/1.2.3.4/udp/5/quic-v1/p2p/x"))
	act := a.acts[0].Act
	if act.Kind != types.ActRegister || act.Peer != b.zero.ID || act.Window != 77 || act.GasRate != 3 || act.TrustPeriod != 8000 || act.NetworkKind != kindNative {
		t.Errorf("registration: got %+v", act)
	}
	if len(a.peers[b.zero.ID]) != 1 {
		t.Errorf("addresses: got %v", a.peers)
	}
	must(t, "governance", "approve", id[:8], "--dir", dir)
	must(t, "governance", "propose", "pause", "--admin", filepath.Join(dir, api.AdminSocket), "--peer", peer, "--expiry", "1m")
	if a.acts[1].Act.Kind != types.ActPause || a.acts[1].Act.Expiry != 1_060_000 {
		t.Errorf("pause: got %+v", a.acts[1].Act)
	}
	list := must(t, "governance", "list", "--dir", dir)
	if strings.Count(list, "\n") != 3 || !strings.Contains(list, "register\t"+b.zero.ID.Short()) || !strings.Contains(list, "in 1m0s") {
		t.Errorf("list:\n%s", list)
	}
	if code, _, _ := isthmus(t, "governance", "approve", strings.Repeat("00", 32), "--dir", dir); code != 4 {
		t.Errorf("unknown act: got exit code %d, want 4", code)
	}
	for _, where := range [][]string{{"--node", addr}, {"--dir", dir}} {
		status := must(t, append([]string{"mesh", "status"}, where...)...)
		if !strings.Contains(status, b.zero.ID.Short()+"\tb\tactive") || !strings.Contains(status, "1.5s\tno route") {
			t.Errorf("mesh status:\n%s", status)
		}
	}
	if status := must(t, "node", "status", "--node", addr); !strings.Contains(status, "final       12") {
		t.Errorf("node status:\n%s", status)
	}
	if code, _, _ := isthmus(t, "governance", "list", "--admin", addr); code != 5 {
		t.Errorf("no socket: got exit code %d, want 5", code)
	}
}

func TestAccountShowsAmountsInTheirDecimals(t *testing.T) {
	a, b := pair(t)
	addr, _ := a.serve(t)
	key, account := newKey(t)
	out := must(t, "account", "show", account, "--node", addr)
	if !strings.Contains(out, "\n1.5\tIST\t") || !strings.Contains(out, "\n0.25\tPEER@"+b.zero.ID.Short()) {
		t.Errorf("got:\n%s", out)
	}
	if same := must(t, "account", "show", "--key", key, "--node", addr); same != out {
		t.Errorf("by key:\n%s", same)
	}
}

func TestArrange(t *testing.T) {
	app := &cli.App{Commands: []*cli.Command{{
		Name: "do", Subcommands: []*cli.Command{{Name: "it", Flags: []cli.Flag{&cli.BoolFlag{Name: "b"}, &cli.StringFlag{Name: "s", Aliases: []string{"t"}}}}},
	}}}
	for in, want := range map[string]string{
		"x":                        "x",
		"x do it":                  "x do it",
		"x do it arg --s v --b z":  "x do it --s v --b -- arg z",
		"x do it arg -t v":         "x do it -t v -- arg",
		"x do it --s=v arg":        "x do it --s=v -- arg",
		"x do it -- --s v":         "x do it -- --s v",
		"x do it - --unknown more": "x do it --unknown -- - more",
		"x do it --s":              "x do it --s",
		"x other thing":            "x -- other thing",
	} {
		if got := strings.Join(arrange(app, strings.Fields(in)), " "); got != want {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestTablesAreAlignedOnTerminalsOnly(t *testing.T) {
	for terminal, want := range map[bool]string{true: "A     B\nlong  1\n", false: "A\tB\nlong\t1\n"} {
		var out strings.Builder
		p := &program{stdout: &out, terminal: terminal}
		if err := p.printTable([]string{"A", "B"}, [][]string{{"long", "1"}}); err != nil {
			t.Fatal(err)
		}
		if out.String() != want {
			t.Errorf("terminal %v: got %q, want %q", terminal, out.String(), want)
		}
	}
}
