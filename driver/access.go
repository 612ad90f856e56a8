package driver

// Access is what an account may do with its home.
type Access string

// The kinds of access, in the words of the configuration.
const (
	ReadWrite  Access = "read-write"
	ReadOnly   Access = "read-only"
	UploadOnly Access = "upload-only"
)

// operation is a row of the access table.
type operation string

const (
	list          operation = "list directories and ask for a file's size and times"
	download      operation = "read a file"
	makeDirectory operation = "make a directory"
	store         operation = "store a new file"
	modify        operation = "overwrite a file, append to it or resume its upload"
	setTimes      operation = "set times"
	rename        operation = "rename to a new name"
	replace       operation = "rename over an existing file"
	remove        operation = "delete a file or directory"
	setMode       operation = "set permissions"
	setOwner      operation = "set the owner"
)

// permission is a cell of the access table.
type permission string

const (
	no  permission = "no"
	yes permission = "yes"
	// own: only what this very session has made. A client in a drop box can so
	// repeat or resume a broken upload, keep the file's time (MFMT), and upload
	// under a working name first, as WinSCP does; Windows Explorer makes
	// "New folder" and renames it.
	own permission = "own"
)

// rules is the access table: the one place that says what an account may do.
var rules = map[operation]map[Access]permission{
	list:          {ReadWrite: yes, ReadOnly: yes, UploadOnly: yes},
	download:      {ReadWrite: yes, ReadOnly: yes, UploadOnly: no},
	makeDirectory: {ReadWrite: yes, ReadOnly: no, UploadOnly: yes},
	store:         {ReadWrite: yes, ReadOnly: no, UploadOnly: yes},
	modify:        {ReadWrite: yes, ReadOnly: no, UploadOnly: own},
	setTimes:      {ReadWrite: yes, ReadOnly: no, UploadOnly: own},
	rename:        {ReadWrite: yes, ReadOnly: no, UploadOnly: own},
	replace:       {ReadWrite: yes, ReadOnly: no, UploadOnly: no},
	remove:        {ReadWrite: yes, ReadOnly: no, UploadOnly: no},
	setMode:       {ReadWrite: yes, ReadOnly: no, UploadOnly: no},
	// Giving files away needs root, and no client has use for it.
	setOwner: {ReadWrite: no, ReadOnly: no, UploadOnly: no},
}

func (a Access) valid() bool {
	return a == ReadWrite || a == ReadOnly || a == UploadOnly
}
