"""What people are to each other: pupils, teachers, parents."""
