package main

import (
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/isthmus-network/isthmus/chain/api"
)

func jsonFlag() cli.Flag { return &cli.BoolFlag{Name: "json", Usage: "print JSON"} }

func nodeFlag() cli.Flag {
	return &cli.StringFlag{Name: "node", Usage: "`ADDR` of the node's API: host:port, URL or unix:PATH", EnvVars: []string{"ISTHMUS_NODE"}}
}

func dirFlag() cli.Flag {
	return &cli.StringFlag{Name: "dir", Usage: "the node's data folder `DIR`", EnvVars: []string{"ISTHMUS_DIR"}}
}

func adminFlags() []cli.Flag {
	return []cli.Flag{dirFlag(), &cli.StringFlag{Name: "admin", Usage: "admin socket `SOCK`, instead of the one in --dir"}}
}

// dialNode returns a client of the node that the flags name. The caller closes it.
func dialNode(c *cli.Context) (*api.Client, error) {
	if addr := c.String("node"); addr != "" {
		return api.Dial(addr)
	}
	if dir := c.String("dir"); dir != "" {
		return api.Dial("unix:" + filepath.Join(dir, api.AdminSocket))
	}
	return nil, usage("no node given: want --node or ISTHMUS_NODE")
}

// dialAdmin returns a client of the admin socket that the flags name.
func dialAdmin(c *cli.Context) (*api.Client, error) {
	if sock := c.String("admin"); sock != "" {
		return api.Dial("unix:" + sock)
	}
	if dir := c.String("dir"); dir != "" {
		return api.Dial("unix:" + filepath.Join(dir, api.AdminSocket))
	}
	return nil, usage("no admin socket given: want --dir, --admin or ISTHMUS_DIR")
}
