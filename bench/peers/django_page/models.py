from django.db import models


class User(models.Model):
    id = models.TextField(primary_key=True)
    name = models.TextField()
    email = models.TextField()

    class Meta:
        managed = False
        db_table = "user"


class Session(models.Model):
    id = models.TextField(primary_key=True)
    token = models.TextField()
    expires_at = models.DateTimeField(db_column="expiresAt")
    user = models.ForeignKey(User, models.CASCADE, db_column="userId")

    class Meta:
        managed = False
        db_table = "session"


class Profile(models.Model):
    user = models.OneToOneField(User, models.CASCADE, primary_key=True, db_column="user_id")
    python_proficiency = models.TextField()
    developer_role = models.TextField()
    is_onboarded = models.BooleanField()

    class Meta:
        managed = False
        db_table = "user_profile"
