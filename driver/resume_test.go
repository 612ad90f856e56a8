package driver

import (
	"errors"
	"io/fs"
	"testing"
)

func TestWhatAnUploadGoesOnWith(t *testing.T) {
	const appends, offset0 = true, 0
	tests := map[string]struct {
		appends bool
		offset  int64
		there   sizes
		want    plan
		err     error
	}{
		"REST inside the partial":                              {false, 3, sizes{none, 5, 5}, plan{stay: 3}, nil},
		"REST at the end of the partial":                       {false, 5, sizes{none, 5, 5}, plan{stay: 5}, nil},
		"REST without having asked":                            {false, 5, sizes{9, 5, none}, plan{stay: 5}, nil},
		"REST beyond the partial, where the whole file is":     {false, 7, sizes{9, 5, 5}, plan{inWhole: true}, nil},
		"REST beyond both":                                     {false, 10, sizes{9, 5, 5}, plan{}, fs.ErrInvalid},
		"REST beyond the partial, with no whole file":          {false, 6, sizes{none, 5, 5}, plan{}, fs.ErrInvalid},
		"REST in a whole file":                                 {false, 9, sizes{9, none, none}, plan{inWhole: true}, nil},
		"REST of nothing":                                      {false, 1, sizes{none, none, none}, plan{}, fs.ErrNotExist},
		"REST of what has vanished since it was told":          {false, 3, sizes{9, none, 5}, plan{}, errGone},
		"REST of what was begun anew since it was told":        {false, 5, sizes{9, 2, 5}, plan{}, errGone},
		"APPE to what was told":                                {appends, offset0, sizes{9, 5, 5}, plan{stay: 5}, nil},
		"APPE to what was told, though more has come":          {appends, offset0, sizes{9, 8, 5}, plan{stay: 5}, nil},
		"APPE to what has vanished since it was told":          {appends, offset0, sizes{9, none, 5}, plan{}, errGone},
		"APPE to what was begun anew since it was told":        {appends, offset0, sizes{none, 2, 5}, plan{}, errGone},
		"APPE without having asked, beside a whole file":       {appends, offset0, sizes{9, 5, none}, plan{inWhole: true}, nil},
		"APPE without having asked, with no whole file":        {appends, offset0, sizes{none, 5, none}, plan{stay: 5}, nil},
		"APPE to a whole file":                                 {appends, offset0, sizes{9, none, none}, plan{inWhole: true}, nil},
		"APPE to an empty whole file beside a partial, untold": {appends, offset0, sizes{0, 5, none}, plan{inWhole: true}, nil},
		"APPE to nothing":                                      {appends, offset0, sizes{none, none, none}, plan{}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := resume(test.appends, test.offset, test.there)
			if got != test.want || !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Errorf("got %+v, %v, want %+v, %v", got, err, test.want, test.err)
			}
		})
	}
}
