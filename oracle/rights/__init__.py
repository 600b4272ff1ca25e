"""Who may: twins, devices, consents, guardians, emergencies, cases, offers and studies."""
