package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func (p *program) sendCommand() *cli.Command {
	return &cli.Command{
		Name:  "send",
		Usage: "send value to an account, here or in another network",
		Description: `Examples:
  isthmus send --node 127.0.0.1:7001 --key alice.json --to ACCOUNT --amount 1.5
  isthmus send --key alice.json --to NETWORK:ACCOUNT --amount 10 --wait certified

NETWORK is a network id, a unique prefix of one (6 digits or more), or the name of
a network linked to the node's. The message is signed here and the key stays here;
the message's id is printed. The node's word is taken for which network it is:
--network pins that.`,
		Flags: []cli.Flag{
			nodeFlag(), jsonFlag(),
			&cli.StringFlag{Name: "key", Usage: "key `FILE` of the sender"},
			&cli.StringFlag{Name: "to", Usage: "`[NETWORK:]ACCOUNT`"},
			&cli.StringFlag{Name: "amount", Usage: "`AMOUNT` in whole units, such as 1.5"},
			&cli.StringFlag{Name: "asset", Usage: "`ASSET`: a network, for its own asset, or an asset id", DefaultText: "the node's network's own"},
			&cli.Uint64Flag{Name: "gas", Usage: "`GAS` to buy at the destination, if that is abroad", Value: execution.GasTransfer},
			&cli.DurationFlag{Name: "deadline", Usage: "`TIME` until which it must arrive", DefaultText: "the network's"},
			&cli.DurationFlag{Name: "valid", Usage: "`TIME` within which the node's network must execute it", Value: time.Minute},
			&cli.StringFlag{Name: "max-fee", Usage: "most to pay besides the amount, `AMOUNT` of the network's own asset", DefaultText: "no bound"},
			&cli.StringFlag{Name: "memo", Usage: "`TEXT` for the recipient"},
			&cli.StringFlag{Name: "network", Usage: "refuse a node of any other network than `ID`"},
			&cli.StringFlag{Name: "wait", Usage: "wait for `STAGE`: acknowledged, ordered, executed or certified"},
		},
		Action: p.send,
	}
}

// sent is what send reports.
type sent struct {
	ID      hexHash          `json:"id"`
	Body    hexHash          `json:"body"`
	Network proofs.NetworkID `json:"network"`
	To      proofs.NetworkID `json:"to_network"`
	Stage   api.Stage        `json:"stage"`
	Height  uint64           `json:"height,omitempty"`
	Code    proofs.Code      `json:"code"`
}

func (p *program) send(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	for _, name := range []string{"key", "to", "amount"} {
		if c.String(name) == "" {
			return usage("--%s is missing", name)
		}
	}
	until := api.Stage(0)
	if name := c.String("wait"); name != "" {
		var err error
		if until, err = api.ParseStage(name); err != nil {
			return err
		}
	}
	key, err := readKey(c.String("key"))
	if err != nil {
		return err
	}
	client, err := dialNode(c)
	if err != nil {
		return err
	}
	defer client.Close()
	x, err := p.external(c, client, key)
	if err != nil {
		return err
	}
	a, err := client.Submit(c.Context, x.MarshalCanoto())
	if err != nil {
		return err
	}
	if a.ID != x.ID() {
		return fmt.Errorf("%w: message %s was admitted as %s", api.ErrProof, hexHash(x.ID()), hexHash(a.ID))
	}
	s := &sent{ID: hexHash(a.ID), Body: hexHash(a.Body), Network: x.Network, To: x.Transfer.Network, Stage: api.StageReceived}
	if !c.Bool("json") {
		if _, err := fmt.Fprintln(p.stdout, s.ID); err != nil {
			return err
		}
	}
	failed := p.follow(c.Context, client, s, until, x.Expiry)
	if c.Bool("json") {
		return errors.Join(p.printJSON(s), failed)
	}
	return failed
}

// external makes and signs the message that the flags ask for.
func (p *program) external(c *cli.Context, client *api.Client, key ed25519.PrivateKey) (*types.External, error) {
	k, err := surroundings(c.Context, client)
	if err != nil {
		return nil, err
	}
	if err := pinned(c.String("network"), k.info.Network); err != nil {
		return nil, err
	}
	if err := k.verify(c.Context, client); err != nil {
		return nil, err
	}
	params := &k.info.Parameters
	now := p.now()
	valid := min(uint64(max(c.Duration("valid"), time.Second)/time.Second), params.ExpiryWindow)
	x := &types.External{Network: k.info.Network, Expiry: uint64(now.Unix()) + valid}
	if x.Salt, err = salt(); err != nil {
		return nil, err
	}
	t := &x.Transfer
	if t.Network, t.Recipient, err = k.recipient(c.String("to")); err != nil {
		return nil, err
	}
	if t.Asset, err = k.assetID(c.String("asset")); err != nil {
		return nil, err
	}
	_, decimals := k.asset(t.Asset)
	if t.Amount, err = proofs.ParseAmount(c.String("amount"), decimals); err != nil {
		return nil, err
	}
	if fee := c.String("max-fee"); fee != "" {
		if x.MaxFee, err = proofs.ParseAmount(fee, params.Decimals); err != nil {
			return nil, err
		}
	}
	if t.Network != x.Network {
		t.Gas = c.Uint64("gas")
	}
	if d := c.Duration("deadline"); d > 0 {
		t.Deadline = uint64(now.Add(d).UnixMilli())
	}
	t.Memo = c.String("memo")
	if err := x.Validate(x.Network); err != nil {
		return nil, err
	}
	x.Sign(key)
	return x, nil
}

// pinned checks the network of a node against the one that the user wants.
func pinned(want string, got proofs.NetworkID) error {
	if want == "" {
		return nil
	}
	var id proofs.NetworkID
	if err := id.UnmarshalText([]byte(want)); err != nil {
		return err
	}
	if id != got {
		return fmt.Errorf("the node is of network %s, want %s: %w", got, id, api.ErrRefused)
	}
	return nil
}

func salt() (uint64, error) {
	var b [8]byte
	_, err := rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:]), err
}

var errReached = errors.New("reached")

// stillness is how long after a message's expiry one that is awaited may show
// neither that it was executed nor that it was not: then the network stands still.
const stillness = 30 * time.Second

// follow waits until the message has come to a stage, and reports a failed one.
func (p *program) follow(ctx context.Context, client *api.Client, s *sent, until api.Stage, expiry uint64) error {
	if until == 0 {
		return nil
	}
	// No deadline: the node would be told of it, and could answer before wait has ended.
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	defer time.AfterFunc(time.Unix(int64(expiry), 0).Sub(p.now())+p.stillness, cancel).Stop()
	err := client.WatchStatus(wait, proofs.Hash(s.ID), func(st api.Status) error {
		s.Stage, s.Height, s.Code = st.Stage, st.Height, st.Code
		if st.Stage >= until {
			return errReached
		}
		return nil
	})
	switch {
	case err != nil && !errors.Is(err, errReached):
		if wait.Err() != nil && ctx.Err() == nil {
			return fmt.Errorf("message %s is %s, past its expiry: the network stands still: %w", s.ID, s.Stage, api.ErrTimeout)
		}
		return err
	case s.Stage == api.StageExpired && until != api.StageExpired:
		return fmt.Errorf("message %s was not executed in time: %w", s.ID, api.ErrFailed)
	case s.Stage >= api.StageExecuted && s.Code != proofs.CodeOK:
		return fmt.Errorf("message %s: %s, in block %d: %w", s.ID, s.Code, s.Height, api.ErrFailed)
	case s.Stage < until:
		return fmt.Errorf("message %s is %s, and the node sends no more: %w", s.ID, s.Stage, api.ErrUnavailable)
	}
	return nil
}
