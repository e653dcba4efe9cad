package bootstrap

import "github.com/isthmus-network/isthmus/proofs"

// The error kinds of this package, besides those of proofs.
const (
	// ErrDocument: a file does not say what it should; the text names what.
	ErrDocument proofs.Error = "bad document"
	// ErrExists: a file or folder is there already and is not overwritten.
	ErrExists proofs.Error = "exists already"
	// ErrExposed: a key file that others can read or change.
	ErrExposed proofs.Error = "key file is open to others"
	// ErrOptions: a network cannot be made as asked.
	ErrOptions proofs.Error = "bad options"
	// ErrSources: no source is left that gives what is wanted.
	ErrSources proofs.Error = "no usable source"
)
