package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
)

// version is set by the linker for releases.
var version = ""

// program is the command line with all that it touches.
type program struct {
	stdout   io.Writer
	stderr   io.Writer
	terminal bool // stdout is one: tables are aligned
	now      func() time.Time

	stillness time.Duration // see the constant

	// runNode runs a node until ctx ends.
	runNode func(ctx context.Context, o nodeOptions) error
}

func newProgram() *program {
	return &program{stdout: os.Stdout, stderr: os.Stderr, terminal: isTerminal(os.Stdout), now: time.Now, stillness: stillness, runNode: runNode}
}

func isTerminal(f *os.File) bool {
	fi, err := f.Stat()
	return err == nil && fi.Mode()&fs.ModeCharDevice != 0
}

// run executes one command and returns its exit code.
func (p *program) run(ctx context.Context, args []string) int {
	app := p.app()
	err := app.RunContext(ctx, arrange(app, args))
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(p.stderr, "isthmus: %v\n", err)
	}
	return exitCode(err)
}

// exitCode adds the errors of files to those that api knows.
func exitCode(err error) int {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return api.ExitCode(api.ErrNotFound)
	case errors.Is(err, fs.ErrExist), errors.Is(err, fs.ErrPermission), errors.Is(err, bootstrap.ErrExists), errors.Is(err, bootstrap.ErrExposed):
		return api.ExitCode(api.ErrRefused)
	}
	return api.ExitCode(err)
}

const description = `Networks with their own validators, linked without trusting anyone between them.

Commands that speak to a node take its address from --node or ISTHMUS_NODE:
host:port, a URL, or unix:PATH. What only an operator may do goes through the
admin socket in the node's data folder: --dir (or ISTHMUS_DIR), or --admin.

Exit codes: 0 done, 1 internal error, 2 wrong usage or an invalid argument,
3 a node's answer does not verify, 4 not found, 5 unavailable, busy or timed out,
6 refused by a rule, 7 the validator key is in use elsewhere, 8 the message failed
or expired, 130 interrupted.`

func (p *program) app() *cli.App {
	app := &cli.App{
		Name:        "isthmus",
		Usage:       "a gateway that links sovereign networks",
		Description: description,
		Version:     programVersion(),
		Writer:      p.stdout,
		ErrWriter:   p.stderr,
		Commands: []*cli.Command{
			p.devnetCommand(), p.networkCommand(), p.nodeCommand(), p.accountCommand(), p.sendCommand(), p.traceCommand(),
			p.meshCommand(), p.governanceCommand(), p.proofCommand(), p.benchCommand(), p.simCommand(),
		},
		HideHelpCommand: true,
		OnUsageError:    usageError,
		ExitErrHandler:  func(*cli.Context, error) {}, // run prints and maps it
		Action:          group,
	}
	for _, c := range app.Commands {
		complete(c)
	}
	return app
}

// complete gives every command what is the same for all.
func complete(c *cli.Command) {
	c.HideHelpCommand = true
	c.OnUsageError = usageError
	if len(c.Subcommands) > 0 {
		c.Action = group
	}
	for _, s := range c.Subcommands {
		complete(s)
	}
}

// group is the action of a command that has subcommands: it shows them.
func group(c *cli.Context) error {
	if name := c.Args().First(); name != "" {
		return usage("there is no command %q; see isthmus --help", name)
	}
	if c.Command != nil && len(c.Lineage()) > 2 {
		return cli.ShowSubcommandHelp(c)
	}
	return cli.ShowAppHelp(c)
}

func usageError(_ *cli.Context, err error, _ bool) error { return usage("%v", err) }

// wrongUsage is an error of the class of invalid requests, without the words.
type wrongUsage string

func (e wrongUsage) Error() string { return string(e) }
func (e wrongUsage) Unwrap() error { return api.ErrInvalid }

// usage makes an error of wrong usage: exit code 2.
func usage(format string, args ...any) error { return wrongUsage(fmt.Sprintf(format, args...)) }

// noArgs refuses arguments where only flags are taken.
func noArgs(c *cli.Context) error {
	if c.Args().Present() {
		return usage("got argument %q, want none", c.Args().First())
	}
	return nil
}

// oneArg returns the only argument.
func oneArg(c *cli.Context, what string) (string, error) {
	if c.NArg() != 1 {
		return "", usage("got %d arguments, want one: %s", c.NArg(), what)
	}
	return c.Args().First(), nil
}

func programVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
