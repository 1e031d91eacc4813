"""The supervisor: progress, vacancies, alarms, and the end of abandoned rolls."""
