package devnet

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/api"
)

// The classes of failures of this package, within those of package api; callers
// use errors.Is.
var (
	// ErrInUse: another process runs the networks of this folder.
	ErrInUse = fmt.Errorf("devnet: the folder is in use: %w", api.ErrKeyInUse)
	// ErrOptions: networks cannot be run as asked.
	ErrOptions = fmt.Errorf("devnet: bad options: %w", api.ErrInvalid)
	// ErrDied: a validator's process ended although nobody wanted that.
	ErrDied = fmt.Errorf("devnet: a validator died: %w", api.ErrInternal)
	// ErrLate: what was waited for did not happen in time; the text says what.
	ErrLate = fmt.Errorf("devnet: %w", api.ErrTimeout)
	// ErrAudit: the audit found something that does not hold.
	ErrAudit = fmt.Errorf("devnet: audit: %w", api.ErrFailed)
)
