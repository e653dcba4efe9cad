package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// arrange moves flags that follow a command's arguments before them, because the
// parser below stops at the first argument. After "--" nothing is a flag.
func arrange(app *cli.App, args []string) []string {
	if len(args) == 0 {
		return args
	}
	head, rest := []string{args[0]}, args[1:]
	commands, flags := app.Commands, app.Flags
	for len(rest) > 0 {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(rest[0]) })
		if i < 0 {
			break
		}
		head, rest = append(head, rest[0]), rest[1:]
		commands, flags = commands[i].Subcommands, commands[i].Flags
	}
	var options, arguments []string
	for len(rest) > 0 {
		arg := rest[0]
		rest = rest[1:]
		if arg == "--" {
			arguments = append(arguments, rest...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			arguments = append(arguments, arg)
			continue
		}
		options = append(options, arg)
		if takesValue(flags, arg) && len(rest) > 0 {
			options, rest = append(options, rest[0]), rest[1:]
		}
	}
	if len(arguments) > 0 {
		arguments = append([]string{"--"}, arguments...)
	}
	return slices.Concat(head, options, arguments)
}

// takesValue reports whether the argument after this flag belongs to it.
func takesValue(flags []cli.Flag, arg string) bool {
	name := strings.TrimLeft(arg, "-")
	if strings.Contains(name, "=") {
		return false
	}
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			_, isBool := f.(*cli.BoolFlag)
			return !isBool
		}
	}
	return false
}
