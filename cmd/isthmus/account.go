package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
)

func (p *program) accountCommand() *cli.Command {
	return &cli.Command{
		Name:  "account",
		Usage: "make accounts and show their balances",
		Subcommands: []*cli.Command{
			{
				Name:        "new",
				Usage:       "make a key and print the account that it controls",
				Description: "Example:\n  isthmus account new --out alice.json\n\nThe file holds the secret; it is never overwritten.",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "out", Usage: "key `FILE` to make", Value: "account.json"},
					jsonFlag(),
				},
				Action: p.accountNew,
			},
			{
				Name:      "show",
				Usage:     "print an account's balances",
				ArgsUsage: "ACCOUNT",
				Description: "Examples:\n  isthmus account show --node 127.0.0.1:7001 --key alice.json\n" +
					"  isthmus account show --key alice.json        # the account only, without a node",
				Flags: []cli.Flag{
					nodeFlag(), jsonFlag(),
					&cli.StringFlag{Name: "key", Usage: "key `FILE` of the account, instead of ACCOUNT"},
				},
				Action: p.accountShow,
			},
		},
	}
}

func (p *program) accountNew(c *cli.Context) error {
	if err := noArgs(c); err != nil {
		return err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	if err := writeKey(c.String("out"), key); err != nil {
		return err
	}
	return p.printAccount(c, accountOf(key))
}

func (p *program) printAccount(c *cli.Context, id proofs.AccountID) error {
	if c.Bool("json") {
		return p.printJSON(map[string]any{"account": id})
	}
	_, err := fmt.Fprintln(p.stdout, id)
	return err
}

func chosenAccount(c *cli.Context) (id proofs.AccountID, err error) {
	path := c.String("key")
	switch {
	case path != "" && c.NArg() > 0:
		return id, usage("got both an account and --key, want one of them")
	case path != "":
		key, err := readKey(path)
		if err != nil {
			return id, err
		}
		return accountOf(key), nil
	}
	arg, err := oneArg(c, "the account, or --key")
	if err != nil {
		return id, err
	}
	return id, id.UnmarshalText([]byte(arg))
}

func (p *program) accountShow(c *cli.Context) error {
	id, err := chosenAccount(c)
	if err != nil {
		return err
	}
	if c.String("node") == "" && c.String("key") != "" {
		return p.printAccount(c, id)
	}
	client, err := dialNode(c)
	if err != nil {
		return err
	}
	defer client.Close()
	account, err := client.Account(c.Context, id)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return p.printJSON(account)
	}
	return p.printBalances(c.Context, client, account)
}

func (p *program) printBalances(ctx context.Context, client *api.Client, account *api.Account) error {
	known, err := surroundings(ctx, client)
	if err != nil {
		return err
	}
	if err := p.printFields([][2]string{{"account", account.Account.String()}, {"as of block", strconv.FormatUint(account.Executed, 10)}}); err != nil {
		return err
	}
	rows := make([][]string, 0, len(account.Balances))
	for _, b := range account.Balances {
		name, decimals := known.asset(b.Asset)
		rows = append(rows, []string{b.Amount.Decimal(decimals), name, b.Asset.String()})
	}
	if account.More {
		rows = append(rows, []string{"…", "", ""})
	}
	return p.printTable([]string{"AMOUNT", "ASSET", "ASSET ID"}, rows)
}
