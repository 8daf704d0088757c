package decoder

// promise reserves the stream of a PUSH_PROMISE (RFC 9113 §6.6).
func (m *streams) promise(d Direction, f *Frame, parent *stream) *Violation {
	if !m.known {
		return nil
	}
	if d == m.clientDir {
		return rulePushByClient
	}
	if f.PromisedID == 0 || f.PromisedID%2 == 1 || f.PromisedID <= m.lastID[d] {
		return rulePromisedID
	}
	if m.lossy && m.outOfStep {
		m.lastID[d] = f.PromisedID
	} else if s := m.open(f.PromisedID); s != nil {
		s.reserved = true
		s.ended[m.clientDir] = true
	}
	if push, known := m.settings.most(m.clientDir.other(), SettingEnablePush); known && push == 0 {
		return rulePushDisabled
	}
	if parent == nil {
		if v := m.late(d, f.StreamID); v != nil && v != ruleAfterEnd && v != ruleAfterReset {
			return v
		} else if v != nil {
			return rulePushParent
		}
	} else if parent.reserved || parent.ended[d] {
		return rulePushParent
	}
	if m.initiator(f.StreamID) == d {
		return rulePushParent
	}
	return nil
}

// prioritize checks PRIORITY_UPDATE (RFC 9218 §7.1).
func (m *streams) prioritize(d Direction, f *Frame) *Violation {
	switch {
	case !m.known:
		return nil
	case d != m.clientDir:
		return rulePriorityUpdateBy
	case f.PrioritizedID != 0 && f.PrioritizedID%2 == 0 && m.idle(f.PrioritizedID):
		return rulePriorityIdlePush
	}
	return nil
}
