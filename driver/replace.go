package driver

// Changes are the names of the users that a new configuration brought, in its
// order; those removed in no order.
type Changes struct {
	Added, Removed, Changed []string
	// Revoked are those whose sessions must not go on: the removed ones, and the
	// changed ones whose password, home, access, quota or origins are others now.
	// For Sessions.EndUsers.
	Revoked []string
}

// Replace puts other users in the place of those so far, or leaves everything as
// it is and tells all mistakes. Sessions keep the Account they logged in with;
// the caller ends those of Changes.Revoked. The rates of a user go on where they
// are the same.
func (a *Accounts) Replace(users []User, files Files) (Changes, error) {
	a.change.Lock()
	defer a.change.Unlock()
	before := a.book.Load().byName
	book, err := newBook(users, files, before)
	if err != nil {
		return Changes{}, err
	}
	a.homes.enter(book.byName)
	changes := compare(users, before, book.byName)
	a.book.Store(book)
	for _, name := range changes.Revoked {
		before[name].revoked.Store(true)
	}
	return changes, nil
}

func compare(users []User, before, after map[string]*Account) (c Changes) {
	for _, u := range users {
		was, is := before[u.Name], after[u.Name]
		switch {
		case was == nil:
			c.Added = append(c.Added, u.Name)
		case !was.sameRights(is):
			c.Revoked = append(c.Revoked, u.Name)
			c.Changed = append(c.Changed, u.Name)
		default:
			is.revoked = was.revoked
			if was.start != is.start || was.maxRate != is.maxRate {
				c.Changed = append(c.Changed, u.Name)
			}
		}
	}
	for name := range before {
		if after[name] == nil {
			c.Removed = append(c.Removed, name)
			c.Revoked = append(c.Revoked, name)
		}
	}
	return c
}

// sameRights tells whether a session of one account may do just what one of the
// other may.
func (a *Account) sameRights(b *Account) bool {
	return samePassword(a.password, b.password) && a.home == b.home && a.Access == b.Access && a.quota == b.quota && a.allowFrom.equal(b.allowFrom)
}
