package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

func (p *program) proofGetCommand() *cli.Command {
	flags := func(more ...cli.Flag) []cli.Flag {
		return append([]cli.Flag{
			nodeFlag(), &cli.StringFlag{Name: "out", Usage: "write the proof to `FILE`, which must not exist"},
			&cli.StringFlag{Name: "network", Usage: "`ID` that the node's network must have"},
		}, more...)
	}
	return &cli.Command{
		Name:  "get",
		Usage: "fetch a proof from a node, verify it, and write it to a file",
		Description: `Examples:
  isthmus proof get receipt ID --node 127.0.0.1:7001 --out executed.proof
  isthmus proof get account ACCOUNT --node 127.0.0.1:7001 --out balance.proof
  isthmus proof get message --peer NETWORK --index 5 --node 127.0.0.1:7001 --out sent.proof
  isthmus proof get conservation --node 127.0.0.1:7001 --peer-node 127.0.0.1:8001 --out value.proof

The node is not trusted: what it answers is verified before it is written.`,
		Subcommands: []*cli.Command{
			{Name: "message", Usage: "a message in the queue for another network", Action: p.getProof(getMessage), Flags: flags(
				&cli.StringFlag{Name: "peer", Usage: "the `NETWORK` that it is for: name, prefix or id"},
				&cli.Uint64Flag{Name: "index", Usage: "its `PLACE` in the queue"},
			)},
			{Name: "receipt", Usage: "the execution of a message, by its id", ArgsUsage: "ID", Action: p.getProof(getReceipt), Flags: flags()},
			{Name: "account", Usage: "balances of an account, also those of nothing", ArgsUsage: "ACCOUNT", Action: p.getProof(getAccount), Flags: flags(
				&cli.StringSliceFlag{Name: "asset", Usage: "`ASSET` to prove, as for send; may be repeated (default: all that the node lists, and its own)"},
			)},
			{Name: "absence", Usage: "that the state has nothing under a key, or that an external message was not executed", Action: p.getProof(getAbsence), Flags: flags(
				&cli.StringFlag{Name: "key", Usage: "a raw state key in `HEX`"},
				&cli.StringFlag{Name: "body", Usage: "body `ID` of an external message"},
				&cli.Uint64Flag{Name: "expiry", Usage: "the message's expiry, in `SECONDS` since 1970"},
			)},
			{Name: "conservation", Usage: "an asset at its home and at peers", Action: p.getProof(getConservation), Flags: flags(
				&cli.StringSliceFlag{Name: "peer-node", Usage: "`ADDR` of a node of a peer network; may be repeated"},
				&cli.StringFlag{Name: "asset", Usage: "local `ID` of an asset that the node's network issued (default: its own)"},
			)},
		},
	}
}

// maxKeyBlocks bounds what a node makes us read: a century of hours.
const maxKeyBlocks = 1 << 20

// prover collects what a proof file is made of from one network's node.
type prover struct {
	client *api.Client
	zero   *proofs.Zero
	now    func() uint64
}

func newProver(ctx context.Context, client *api.Client, now func() uint64) (*prover, error) {
	z, err := client.Zero(ctx)
	if err != nil {
		return nil, err
	}
	zero, err := z.Check()
	if err != nil {
		return nil, unproved("node "+client.Addr(), err)
	}
	return &prover{client: client, zero: zero, now: now}, nil
}

// chain fetches the key blocks that lead to a header, leaves out those that keep
// the set, and verifies the rest.
func (p *prover) chain(ctx context.Context, ch *proofs.CertifiedHeader) (*proofs.Chain, *proofs.VerifiedHeader, error) {
	c := &proofs.Chain{Zero: p.zero.ZeroHeader, Header: *ch}
	for from, seen := uint64(1), 0; ; {
		blocks, err := p.client.KeyBlocks(ctx, from, api.MaxKeyBlocks)
		if err != nil {
			return nil, nil, err
		}
		for i := range blocks {
			h := &blocks[i].Header
			if h.Height < from {
				return nil, nil, unproved("node "+p.client.Addr(), fmt.Errorf("got key block %d, want one from %d on: %w", h.Height, from, proofs.ErrLink))
			}
			from = h.Height + 1
			if h.Height < ch.Header.Height && h.NextSetHash != h.SetHash {
				c.KeyBlocks = append(c.KeyBlocks, blocks[i])
			}
		}
		if seen += len(blocks); seen > maxKeyBlocks {
			return nil, nil, unproved("node "+p.client.Addr(), fmt.Errorf("got %d key blocks, want at most %d: %w", seen, maxKeyBlocks, proofs.ErrTooLarge))
		}
		if len(blocks) == 0 || from > ch.Header.Height {
			break
		}
	}
	v, _, err := c.Verify(p.zero.ID, proofs.Reading{Now: p.now(), Rand: rand.Reader})
	if err != nil {
		return nil, nil, unproved("node "+p.client.Addr(), err)
	}
	return c, v, nil
}

// file is the proof of a claim of this network alone.
func (p *prover) file(ctx context.Context, ch *proofs.CertifiedHeader, claim proofs.Claim) (*proofs.File, error) {
	c, _, err := p.chain(ctx, ch)
	if err != nil {
		return nil, err
	}
	return &proofs.File{Chains: []proofs.Chain{*c}, Claim: claim}, nil
}

// entries proves keys, all as of one header.
func (p *prover) entries(ctx context.Context, keys [][]byte) (*api.StateProof, []proofs.StateEntry, error) {
	if len(keys) > api.MaxProveKeys {
		return nil, nil, usage("%d entries are wanted of one state, which is more than the %d that a node proves at once", len(keys), api.MaxProveKeys)
	}
	sp, err := p.client.Prove(ctx, keys)
	if err != nil {
		return nil, nil, err
	}
	entries := make([]proofs.StateEntry, len(sp.Entries))
	for i, e := range sp.Entries {
		if entries[i], err = proofs.NewStateEntry(e.Value, e.Present, e.Proof); err != nil {
			return nil, nil, unproved("node "+p.client.Addr(), err)
		}
	}
	return sp, entries, nil
}

// getter makes the file of one kind.
type getter func(c *cli.Context, p *prover, k *known) (*proofs.File, error)

// getProof runs a getter, verifies what it made, and writes it.
func (p *program) getProof(get getter) cli.ActionFunc {
	return func(c *cli.Context) error {
		out := c.String("out")
		if out == "" {
			return usage("--out is missing")
		}
		client, err := dialNode(c)
		if err != nil {
			return err
		}
		defer client.Close()
		pr, err := newProver(c.Context, client, p.millis)
		if err != nil {
			return err
		}
		if want := c.String("network"); want != "" && want != pr.zero.ID.String() {
			return unproved("node "+client.Addr(), fmt.Errorf("got network %s, want %.80s: %w", pr.zero.ID, want, proofs.ErrNetwork))
		}
		k, err := surroundings(c.Context, client)
		if err != nil {
			return err
		}
		f, err := get(c, pr, k)
		if err != nil {
			return err
		}
		s, err := f.Verify(pr.zero.ID, proofs.Reading{Now: p.millis(), Rand: rand.Reader})
		if err != nil {
			return unproved("node "+client.Addr(), err)
		}
		b, err := f.Marshal()
		if err != nil {
			return err
		}
		if err := writeNew(out, b); err != nil {
			return err
		}
		return p.printLines(append(s.Lines(), fmt.Sprintf("Written to %s, %d bytes.", out, len(b))))
	}
}

// writeNew writes a file that must not exist; a part of one never stays.
func writeNew(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func getMessage(c *cli.Context, p *prover, k *known) (*proofs.File, error) {
	if err := noArgs(c); err != nil {
		return nil, err
	}
	if !c.IsSet("peer") || !c.IsSet("index") {
		return nil, usage("--peer and --index are wanted")
	}
	peer, err := k.network(c.String("peer"))
	if err != nil {
		return nil, err
	}
	m, err := p.client.Message(c.Context, peer, c.Uint64("index"))
	if err != nil {
		return nil, err
	}
	if got := &m.Claim.Message; got.Destination != peer || got.Index != c.Uint64("index") {
		return nil, unproved("node "+p.client.Addr(), fmt.Errorf("got message %d to %s, want %d to %s", got.Index, got.Destination.Short(), c.Uint64("index"), peer.Short()))
	}
	return p.file(c.Context, &m.Header, &m.Claim)
}

func getReceipt(c *cli.Context, p *prover, _ *known) (*proofs.File, error) {
	arg, err := oneArg(c, "the message's id")
	if err != nil {
		return nil, err
	}
	id, err := proofs.ParseHash(arg)
	if err != nil {
		return nil, err
	}
	t, err := p.client.Trace(c.Context, id)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(t.Steps, func(s api.Step) bool { return s.Proof.Kind == api.ProofReceipt })
	if i < 0 {
		return nil, fmt.Errorf("message %s: not executed under a certified header yet: %w", arg, api.ErrUnavailable)
	}
	page, err := p.client.Receipts(c.Context, t.Steps[i].Proof.Index, 1)
	if err != nil {
		return nil, err
	}
	if len(page.Receipts) != 1 || page.Receipts[0].ID != id {
		return nil, unproved("node "+p.client.Addr(), fmt.Errorf("got %d receipts from %d on, want that of %s: %w", len(page.Receipts), page.From, arg, proofs.ErrBranch))
	}
	branch, err := merkle.InclusionFromRanges(page.From, page.Size(), page.Left, page.Right)
	if err != nil {
		return nil, unproved("node "+p.client.Addr(), err)
	}
	return p.file(c.Context, &page.Header, &proofs.ReceiptClaim{Receipt: page.Receipts[0], Index: page.From, Branch: branch})
}

func getAccount(c *cli.Context, p *prover, k *known) (*proofs.File, error) {
	arg, err := oneArg(c, "the account")
	if err != nil {
		return nil, err
	}
	var id proofs.AccountID
	if err := id.UnmarshalText([]byte(arg)); err != nil {
		return nil, err
	}
	assets := []proofs.AssetID{}
	for _, name := range c.StringSlice("asset") {
		a, err := k.assetID(name)
		if err != nil {
			return nil, err
		}
		assets = append(assets, a)
	}
	if len(assets) == 0 {
		a, err := p.client.Account(c.Context, id)
		if err != nil {
			return nil, err
		}
		assets = append(assets, proofs.NativeAsset)
		for _, b := range a.Balances {
			assets = append(assets, b.Asset)
		}
	}
	slices.SortFunc(assets, func(a, b proofs.AssetID) int { return bytes.Compare(a[:], b[:]) })
	assets = slices.Compact(assets)
	keys := make([][]byte, len(assets))
	for i, a := range assets {
		keys[i] = proofs.BalanceKey(id, a)
	}
	sp, entries, err := p.entries(c.Context, keys)
	if err != nil {
		return nil, err
	}
	claim := &proofs.AccountClaim{Account: id}
	for i, a := range assets {
		claim.Balances = append(claim.Balances, proofs.BalanceClaim{Asset: a, Entry: entries[i]})
	}
	return p.file(c.Context, &sp.Header, claim)
}

func getAbsence(c *cli.Context, p *prover, _ *known) (*proofs.File, error) {
	if err := noArgs(c); err != nil {
		return nil, err
	}
	switch {
	case c.IsSet("key") == c.IsSet("body") || c.IsSet("body") != c.IsSet("expiry"):
		return nil, usage("want --key, or --body and --expiry")
	case c.IsSet("body"):
		body, err := proofs.ParseHash(c.String("body"))
		if err != nil {
			return nil, err
		}
		u, err := p.client.Unexecuted(c.Context, body, c.Uint64("expiry"))
		if err != nil {
			return nil, err
		}
		if u.Claim.Body != body || u.Claim.Expiry != c.Uint64("expiry") {
			return nil, unproved("node "+p.client.Addr(), errors.New("got the absence of another body"))
		}
		return p.file(c.Context, &u.Header, &u.Claim)
	}
	key, err := hex.DecodeString(strings.TrimPrefix(c.String("key"), "0x"))
	if err != nil || len(key) == 0 {
		return nil, usage("--key: got %.80q, want hexadecimal digits", c.String("key"))
	}
	sp, entries, err := p.entries(c.Context, [][]byte{key})
	if err != nil {
		return nil, err
	}
	if entries[0].Present {
		return nil, fmt.Errorf("key %x: the state holds %d bytes there: %w", key, len(entries[0].Value), api.ErrRefused)
	}
	return p.file(c.Context, &sp.Header, &proofs.KeyAbsenceClaim{Key: key, Proof: entries[0].Proof})
}

// cutAttempts and cutPause bound the wait for states of two networks that fit
// together: while one is asked, the other goes on.
const (
	cutAttempts = 20
	cutPause    = 100 * time.Millisecond
)
